"""Which ports of this machine a site gets, and who holds one that it cannot have."""

from __future__ import annotations

import errno
import shlex
import socket
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from foundation.failure import USAGE, Failure

# Below the ephemeral range of Linux (32768) and macOS (49152): no outgoing connection takes one of these by
# chance.
FIRST, LAST = 20000, 30000


def is_free(host: str, port: int) -> bool:
    """Whether we could listen there now."""
    return _refusal(host, port) is None


def is_taken(host: str, port: int) -> bool:
    """Whether somebody else listens there. False when this cannot be told, as we may not listen there."""
    return _refusal(host, port) == errno.EADDRINUSE


def _refusal(host: str, port: int) -> int | None:
    """Why we could not listen there now, as the system numbers it."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return error.errno
    return None


def refuse_twins(published: Iterable[tuple[str, int | str]]) -> None:
    """Raises Failure (usage) for two that ask for the same port (a number, or a range as it is written), by
    the names that --port knows them by."""
    holders: dict[int | str, str] = {}
    for name, port in published:
        if port in holders:
            raise Failure(
                f"{holders[port]} and {name} ask for the same port, {port}",
                f"choose another for one of them: --port {name}=PORT",
                USAGE,
            )
        holders[port] = name


def accepts(host: str, port: int) -> bool:
    """Whether somebody listens there now. On loopback the answer comes at once."""
    with socket.socket() as probe:
        probe.settimeout(0.1)
        return probe.connect_ex((host, port)) == 0


def allocate(
    wanted: Iterable[str],
    remembered: Mapping[str, int],
    taken: Iterable[int],
    site: Path,
    keep_remembered: bool = False,
) -> dict[str, int]:
    """A free port for each name in `wanted`: the remembered one if nobody took it, else a new one. Two
    sites start to look at different places, so that they seldom want the same. While the site runs it holds
    its ports itself: `keep_remembered`."""
    result: dict[str, int] = {}
    used = set(taken)
    names = list(wanted)
    for name in names:
        port = remembered.get(name)
        if port is not None and port not in used and (keep_remembered or is_free("127.0.0.1", port)):
            result[name] = port
            used.add(port)
    candidates = _candidates(site)
    for name in names:
        if name not in result:
            port = next(port for port in candidates if port not in used and is_free("127.0.0.1", port))
            result[name] = port
            used.add(port)
    return result


def _candidates(site: Path) -> Iterator[int]:
    offset = zlib.crc32(str(site).encode()) % (LAST - FIRST)
    for step in range(LAST - FIRST):
        yield FIRST + (offset + step) % (LAST - FIRST)
    raise Failure(f"no port between {FIRST} and {LAST} is free", "stop something, or another site")


def holder(port: int) -> str:
    """Who listens on a port: `nginx (pid 4711)`, or that the system does not say (another user's
    process)."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        connections = []
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.pid and connection.laddr[1:] == (port,):
            try:
                name = psutil.Process(connection.pid).name()
            except psutil.Error:
                name = "a process"
            return f"{name} (pid {connection.pid})"
    return "a process of another user"


@dataclass(frozen=True)
class Conflict:
    """A published port that a part needs, and who else has it."""

    part: str
    host: str
    port: int
    by: str

    @property
    def name(self) -> str:
        """By which --port knows it."""
        return self.part.rpartition("@")[2]


class Taken(Failure):
    """Others listen where the site wants to. `others` are ports that are free, by the names of --port."""

    def __init__(self, conflicts: Sequence[Conflict], others: Mapping[str, int]) -> None:
        causes = (f"port {one.port}, which {one.part} needs, is taken by {one.by}" for one in conflicts)
        super().__init__("; ".join(causes))
        self.conflicts, self.others = conflicts, others
        self.advise()

    def advise(self, *more: str) -> None:
        """Have the next step be a command that works; `more` are the other words that it needs."""
        ports = (word for name, port in self.others.items() for word in ("--port", f"{name}={port}"))
        stop, ask = ("that", "another port") if len(self.others) == 1 else ("these", "other ports")
        command = shlex.join(("failwhale", "up", *ports, *more))
        self.next_step = f"stop {stop}, or ask for {ask}: {command}"


def refuse_taken(conflicts: Sequence[Conflict]) -> None:
    """Raises Taken, unless there are none."""
    if not conflicts:
        return
    others: dict[str, int] = {}
    for one in conflicts:
        wanted = one.port + 10000 if one.port < 55000 else FIRST
        used = {*others.values(), *(conflict.port for conflict in conflicts)}
        free = (port for port in range(wanted, 65536) if port not in used and is_free(one.host, port))
        others[one.name] = next(free, wanted)
    raise Taken(conflicts, others)
