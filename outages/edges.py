"""The public edges, and the way to the first of them that takes a connection."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from outages.failures import EdgeUnreachable
from services.platform.names import look_up

NEXT_EDGE_AFTER = 0.25
"""Seconds without an answer after which the next edge is asked as well: what RFC 8305 recommends, and what
browsers do with the addresses of a name. A machine that is gone says nothing, and says it for seconds."""

CONNECT_SECONDS = 1.0
"""A TCP connection that takes longer counts as not made."""

ADDRESSES_KEPT_SECONDS = 5.0
"""How long a resolved name is believed: a part that was started again may have moved."""


class PublicEdge:
    """One public HTTPS address. Remembers what its name resolves to for a few seconds."""

    def __init__(self, name: str, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError(f"{url!r} is not an HTTPS address")
        self.name = name
        self.url = url
        self.host = parts.hostname
        self.port = parts.port or 443
        self.authority = parts.netloc
        self._addresses: list[tuple[socket.AddressFamily, tuple[Any, ...]]] = []
        self._resolved_at = 0.0

    async def addresses(self) -> list[tuple[socket.AddressFamily, tuple[Any, ...]]]:
        """What the name resolves to, IPv4 first. Raises EdgeUnreachable when it does not resolve."""
        if not self._addresses or time.monotonic() - self._resolved_at > ADDRESSES_KEPT_SECONDS:
            try:
                found = await look_up(self.host)
            except OSError as error:
                raise EdgeUnreachable("refused", f"{self.host} does not resolve: {error}") from None
            families = ((socket.AF_INET6 if ":" in host else socket.AF_INET, host) for host in found)
            self._addresses = sorted(
                ((family, (host, self.port)) for family, host in families),
                key=lambda row: row[0] != socket.AF_INET,
            )
            self._resolved_at = time.monotonic()
        return self._addresses


def parse_edges(text: str) -> dict[str, PublicEdge]:
    """Edges from `east=https://localhost:8443,west=https://localhost:9443`. Raises ValueError."""
    edges = {}
    for item in text.split(","):
        name, equals, url = item.strip().partition("=")
        if not (name and equals):
            raise ValueError(f"{item!r} is not of the form name=https://host:port")
        edges[name] = PublicEdge(name, url)
    return edges


async def reach(
    edges: Iterable[PublicEdge], asked: Callable[[PublicEdge], None]
) -> tuple[PublicEdge, socket.socket]:
    """A TCP connection to the first of these edges that takes one. The next is asked once one has refused, or
    has said nothing for NEXT_EDGE_AFTER seconds; `asked` is told each. Raises EdgeUnreachable, of the last
    that failed, when none takes it."""
    left = iter(edges)
    attempts: dict[asyncio.Task[socket.socket], PublicEdge] = {}
    problem = EdgeUnreachable("refused", "there is no edge")
    try:
        while True:
            edge = next(left, None)
            if edge is not None:
                asked(edge)
                attempts[asyncio.ensure_future(_connect(edge))] = edge
            elif not attempts:
                raise problem
            patience = None if edge is None else NEXT_EDGE_AFTER
            done, _ = await asyncio.wait(attempts, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
            for attempt in done:
                try:
                    return attempts.pop(attempt), attempt.result()
                except EdgeUnreachable as failure:
                    problem = failure
    finally:
        await _give_up(attempts)


async def _give_up(attempts: Iterable[asyncio.Task[socket.socket]]) -> None:
    """One may have come about in the same moment as another."""
    for attempt in attempts:
        attempt.cancel()
    for made in await asyncio.gather(*attempts, return_exceptions=True):
        if isinstance(made, socket.socket):
            made.close()


async def _connect(edge: PublicEdge) -> socket.socket:
    problem: EdgeUnreachable | None = None
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            for family, address in await edge.addresses():
                try:
                    return await _connect_to(family, address)
                except OSError as error:
                    problem = problem or EdgeUnreachable(
                        "refused", f"{edge.authority}: {system_reason(error)}"
                    )
    except TimeoutError:
        raise EdgeUnreachable(
            "time-out", f"{edge.authority}: no connection in {CONNECT_SECONDS:g} s"
        ) from None
    raise problem or EdgeUnreachable("refused", f"{edge.authority}: no address")


async def _connect_to(family: socket.AddressFamily, address: tuple[Any, ...]) -> socket.socket:
    """Raises OSError, too, where the machine has no sockets of that family: a name may have addresses that
    nobody here can reach."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


def system_reason(error: OSError) -> str:
    """What the system says, in its own words: event loops add addresses and arguments to them."""
    return os.strerror(error.errno).lower() if error.errno else "connection closed"
