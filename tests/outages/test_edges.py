"""The way to the first edge that takes a connection: who is asked when, and what is left behind."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from outages import edges as module
from outages.edges import PublicEdge, reach
from outages.failures import EdgeUnreachable

NO_FAMILY = 255
"""Of addresses: Linux has none of so high a number."""


class Edges:
    """Edges that take connections, refuse them, or say nothing."""

    def __init__(self, open_here: ExitStack) -> None:
        self._open = open_here
        self._full: dict[str, socket.socket] = {}
        self.asked: list[str] = []
        self.both_asked = asyncio.Event()

    def taking(self, name: str) -> PublicEdge:
        return self._edge(name, self._listening(16))

    def refusing(self, name: str) -> PublicEdge:
        closed = self._open.enter_context(socket.socket())
        closed.bind(("127.0.0.1", 0))
        return self._edge(name, closed)

    def of_no_family(self, name: str, *, and_taking: bool = False) -> PublicEdge:
        """Its first address is of a family that this machine has no sockets of, as IPv6 may be."""
        listening = self._listening(16)
        edge = self._edge(name, listening)
        known = [(socket.AF_INET, listening.getsockname())] if and_taking else []
        edge._addresses = [(NO_FAMILY, listening.getsockname()), *known]  # type: ignore[list-item]
        edge._resolved_at = time.monotonic()
        return edge

    def silent(self, name: str) -> PublicEdge:
        """Its queue is full, so Linux drops whoever comes: a machine that is gone does no more."""
        full = self._listening(0)
        waiting = self._open.enter_context(socket.socket())
        waiting.connect(full.getsockname())
        self._full[name] = full
        return self._edge(name, full)

    def make_room(self, edge: PublicEdge) -> None:
        """One that said nothing takes the next connection."""
        self._open.enter_context(self._full[edge.name].accept()[0])

    async def reach(self, *edges: PublicEdge) -> tuple[str, float]:
        """The name of the one that was reached, and after how many seconds."""
        began = time.monotonic()
        edge, sock = await reach(edges, self._ask)
        with sock:
            assert sock.getpeername()[1] == edge.port
        return edge.name, time.monotonic() - began

    def _ask(self, edge: PublicEdge) -> None:
        self.asked.append(edge.name)
        if len(self.asked) == 2:
            self.both_asked.set()

    def _listening(self, backlog: int) -> socket.socket:
        listening = self._open.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(backlog)
        return listening

    def _edge(self, name: str, sock: socket.socket) -> PublicEdge:
        return PublicEdge(name, f"https://127.0.0.1:{sock.getsockname()[1]}")


@pytest.fixture
def edges() -> Iterator[Edges]:
    with ExitStack() as open_here:
        yield Edges(open_here)


async def test_the_preferred_one_is_the_only_one_that_is_asked(edges: Edges) -> None:
    assert (await edges.reach(edges.taking("east"), edges.taking("west")))[0] == "east"
    assert edges.asked == ["east"]


async def test_after_one_that_refuses_the_next_is_asked_at_once(
    edges: Edges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NEXT_EDGE_AFTER", 60.0)
    assert (await edges.reach(edges.refusing("east"), edges.taking("west")))[0] == "west"
    assert edges.asked == ["east", "west"]


async def test_an_address_of_a_family_that_the_machine_has_not_is_one_that_refuses(edges: Edges) -> None:
    assert (await edges.reach(edges.of_no_family("east"), edges.taking("west")))[0] == "west"
    assert (await edges.reach(edges.of_no_family("east", and_taking=True)))[0] == "east"
    lone = edges.of_no_family("east")
    with pytest.raises(EdgeUnreachable) as told:
        await edges.reach(lone)
    assert told.value.detail == f"{lone.authority}: {os.strerror(errno.EAFNOSUPPORT).lower()}"


async def test_beside_one_that_says_nothing_the_next_is_asked_soon(
    edges: Edges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CONNECT_SECONDS", 60.0)
    reached, seconds = await edges.reach(edges.silent("east"), edges.taking("west"))
    assert reached == "west"
    assert module.NEXT_EDGE_AFTER <= seconds < 60.0
    assert edges.asked == ["east", "west"]


async def test_the_first_may_still_take_it_while_the_next_is_asked(
    edges: Edges, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux sends a dropped SYN again after a second, when there is room in the queue."""
    monkeypatch.setattr(module, "NEXT_EDGE_AFTER", 0.05)
    monkeypatch.setattr(module, "CONNECT_SECONDS", 60.0)
    slow, silent = edges.silent("east"), edges.silent("west")
    reaching = asyncio.ensure_future(edges.reach(slow, silent))
    await edges.both_asked.wait()
    edges.make_room(slow)
    assert (await reaching)[0] == "east"


async def test_where_none_takes_it_the_last_failure_is_told(
    edges: Edges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NEXT_EDGE_AFTER", 0.02)
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.1)
    west = edges.silent("west")
    with pytest.raises(EdgeUnreachable) as told:
        await edges.reach(edges.refusing("east"), west)
    assert (told.value.error, told.value.detail) == (
        "time-out",
        f"127.0.0.1:{west.port}: no connection in 0.1 s",
    )


async def test_who_gives_up_leaves_no_attempt_behind(edges: Edges) -> None:
    reaching = asyncio.ensure_future(edges.reach(edges.silent("east"), edges.silent("west")))
    await edges.both_asked.wait()
    reaching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reaching
    assert "_connect" not in {task.get_coro().__name__ for task in asyncio.all_tasks()}  # type: ignore[union-attr]


async def test_of_two_that_come_about_at_once_one_is_closed(
    edges: Edges, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[socket.socket] = []
    both = asyncio.Event()

    async def connect(edge: PublicEdge) -> socket.socket:
        await both.wait()
        made.append(socket.create_connection((edge.host, edge.port)))
        return made[-1]

    monkeypatch.setattr(module, "_connect", connect)
    monkeypatch.setattr(module, "NEXT_EDGE_AFTER", 0.01)
    reaching = asyncio.ensure_future(edges.reach(edges.taking("east"), edges.taking("west")))
    await edges.both_asked.wait()
    both.set()
    await reaching
    assert len(made) == 2
    assert [one.fileno() for one in made] == [-1, -1]
