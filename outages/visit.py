"""One attempt's way to the site: fresh connections, edges tried, preconditions, and tidying up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from outages.client import MALFORMED, EventStream, PublicAnswer, PublicConnection, Trust, shake_hands
from outages.edges import PublicEdge, reach
from outages.failures import Failed, Refused

PRECONDITION_SECONDS = 3.0
"""How long a precondition that belongs to another journey may take."""


class Untested(Exception):
    """What the attempt needed from another journey failed, so it says nothing about its own."""


class AttemptLeftOut(Exception):
    """The attempt could not be made for a reason of the prober's own (no fresh code, nothing to read yet)."""


class VisitingAccount(Protocol):
    """An account as a visit needs it: who asks, and whether the site still knows the session."""

    token: str
    stale: bool


@dataclass(frozen=True)
class Cleanup:
    """Something a visit made and that is to be undone: a request to send when the outcome is known."""

    method: str
    path: str
    person: VisitingAccount


class Visit:
    """What one attempt does at the site.

    The first request to an edge opens a fresh connection, later ones of the same visit use it again;
    nothing is kept from one visit to the next. When an edge gives no connection the visit goes on to
    the next one, as a browser does that knows two addresses; after anything else it does not.
    """

    def __init__(
        self, edges: Sequence[PublicEdge], tls: Trust, *, limit: float = 3.0, may_move: bool = True
    ) -> None:
        self.edges = edges
        """In the order of preference."""
        self.tried: list[str] = []
        """Names of the edges that were asked for a connection, in order."""
        self.edge = ""
        """The one that gave it, or was asked last."""
        self.step = "connecting"
        """What is being waited for, so that a time-out can say it."""
        self.cleanups: list[Cleanup] = []
        self.in_precondition = False
        self.needs = ""
        """The journey that the precondition belongs to."""
        self.measured_from: float | None = None
        """When the journey's own part began (monotonic seconds), if a precondition came before it."""
        self.deadline = asyncio.timeout(None)
        self._limit = limit
        self._tls = tls
        self._may_move = may_move
        self._kept: dict[str, PublicConnection] = {}
        self._opened: list[PublicConnection] = []

    async def connect(self, preferred: PublicEdge | None = None) -> PublicConnection:
        """A fresh connection to the preferred edge, or to another one if that gives none. Raises Failed."""
        first = preferred or self.edges[0]
        order = [first, *(edge for edge in self.edges if edge is not first)] if self._may_move else [first]
        edge, sock = await reach(order, self._asked)
        self._asked(edge)
        connection = await shake_hands(edge, sock, self._tls())
        self._opened.append(connection)
        return connection

    def _asked(self, edge: PublicEdge) -> None:
        self.edge = edge.name
        self.step = f"handshake with {edge.name}"
        if edge.name not in self.tried:
            self.tried.append(edge.name)

    async def ask(
        self,
        method: str,
        path: str,
        person: VisitingAccount | None = None,
        body: Any = None,
        *,
        edge: PublicEdge | None = None,
    ) -> PublicAnswer:
        """One request, as `person` if given; `path` is below /api/v1 unless it is `/`. Raises Failed."""
        connection = await self.arrive(edge)
        self.step = f"{method} {path.partition('?')[0]} at {connection.edge.name}"
        answer = await connection.request(
            method, f"/api/v1{path}" if path != "/" else path, token=person.token if person else "", body=body
        )
        if answer.status == 401 and person is not None:
            person.stale = True
        return answer

    async def arrive(self, edge: PublicEdge | None = None) -> PublicConnection:
        """The visit's connection to an edge, opened if it is not there. Raises Failed."""
        wanted = edge or self.edges[0]
        connection = self._kept.get(wanted.name)
        if connection is None or not connection.is_open:
            connection = self._kept[wanted.name] = await self.connect(wanted)
        return connection

    async def listen(self, path: str, person: VisitingAccount) -> EventStream:
        """Open an event stream on a connection of its own. Raises Failed."""
        connection = await self.connect()
        self.step = f"GET {path} at {connection.edge.name}"
        try:
            return await connection.stream(f"/api/v1{path}", token=person.token)
        except Refused as refusal:
            person.stale |= refusal.status == 401
            raise

    @contextmanager
    def precondition(self, journey: str = "post") -> Iterator[None]:
        """What is inside belongs to another journey: its failure is Untested, its time does not count."""
        self.needs = journey
        self.in_precondition = True
        self._allow(PRECONDITION_SECONDS)
        try:
            yield
        except Failed as failure:
            raise Untested(f"{journey}: {failure}") from None
        except MALFORMED as error:
            raise Untested(f"{journey}: {self.malformed(error)}") from None
        self.in_precondition = False
        self.measured_from = time.monotonic()
        self._allow(self._limit)

    def malformed(self, error: Exception) -> Failed:
        """What a user failed by where reading the latest answer raised one of MALFORMED."""
        return Failed("wrong-content", f"{self.step}: {type(error).__name__} {error}")

    def _allow(self, seconds: float) -> None:
        if self.deadline.when() is not None:
            self.deadline.reschedule(asyncio.get_running_loop().time() + seconds)

    def undo_later(self, method: str, path: str, person: VisitingAccount) -> None:
        """Send this request when the outcome is known."""
        self.cleanups.append(Cleanup(method, path, person))

    async def tidy(self) -> list[Cleanup]:
        """Undo what this visit made; returns what could not be undone."""
        while self.cleanups:
            thing = self.cleanups[0]
            try:
                answer = await self.ask(thing.method, thing.path, thing.person)
            except Failed:
                break
            if answer.status >= 500 or answer.status in (401, 429):
                break
            self.cleanups.pop(0)
        return self.cleanups

    def close(self) -> None:
        """Drop every connection."""
        for connection in self._opened:
            connection.close()
