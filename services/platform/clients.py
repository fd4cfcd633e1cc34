"""The public's connections: what each may cost, and which of them goes when there are too many.

A request is handed to the application once it is whole, so that half of one takes no place among the requests
at work. Whoever is refused again and again is not read from for a while: refusing costs the site next to
nothing then, and the client its time.
"""

from __future__ import annotations

import asyncio
import fcntl
import random
import struct
import termios
import time
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from services.platform.client_limits import ClientLimits
from services.platform.intake import LARGEST_BODY, REFUSED, REQUESTS_BEFORE
from services.platform.metrics import Metrics
from services.platform.problems import Problem
from services.platform.protocol import Protocol, reset

_JITTER = 0.25
"""Pauses differ by this share, so that a crowd that was refused together does not come back together."""


class Clients:
    """All connections of a public listener."""

    def __init__(self, metrics: Metrics, limits: ClientLimits | None = None) -> None:
        self.limits = limits or ClientLimits()
        self._closed = metrics.connections_closed
        self._reads_paused = metrics.reads_paused
        self._all: set[ClientConnection] = set()
        # The keys of these stand in the order of their times, since each begins now.
        self._unfinished: dict[ClientConnection, float] = {}
        """Since when a part of a request is there."""
        self._idle: dict[ClientConnection, float] = {}
        """Since when there is nothing to do."""
        self._paused: set[ClientConnection] = set()
        metrics.connections(
            {
                "all": lambda: len(self._all),
                "unfinished": lambda: len(self._unfinished),
                "idle": lambda: len(self._idle),
                "paused": lambda: len(self._paused),
            }
        )

    def protocol(self, config: Config, server_state: ServerState, app_state: dict[str, Any]) -> Protocol:
        """What serves the next connection."""
        return ClientConnection(self, config, server_state, app_state)

    def look(self) -> None:
        """Close what has had its time, and the oldest of the idle when there are too many. To be called about
        once a second."""
        now = time.monotonic()
        for connection, since in list(self._unfinished.items()):
            if now - since > connection.time_for_request():
                self._closed("late").inc()
                connection.refuse_as_late()
        for connection in list(self._all):
            if connection.has_not_read_for(now) > self.limits.unread_seconds:
                self._closed("unread").inc()
                connection.drop()
        self._make_room_among_idle(now)

    def door_is_crowded(self) -> None:
        """A connection had to give way to another before its handshake was done."""
        self._closed("handshake").inc()

    # --- what connections tell of themselves ---

    def came(self, connection: ClientConnection) -> None:
        self._all.add(connection)
        self.is_idle(connection)
        self._make_room_among_idle(self._idle[connection])

    def left(self, connection: ClientConnection) -> None:
        self._all.discard(connection)
        self._idle.pop(connection, None)
        self._unfinished.pop(connection, None)
        self._paused.discard(connection)

    def is_idle(self, connection: ClientConnection) -> None:
        self._idle[connection] = time.monotonic()

    def is_busy(self, connection: ClientConnection) -> None:
        """It has sent something, or is being answered."""
        self._idle.pop(connection, None)

    def has_part_of_a_request(self, connection: ClientConnection) -> None:
        if connection in self._unfinished:
            return
        self._unfinished[connection] = time.monotonic()
        if len(self._unfinished) > self.limits.unfinished:
            self._closed("unfinished").inc()
            next(iter(self._unfinished)).drop()

    def has_whole_requests(self, connection: ClientConnection) -> None:
        self._unfinished.pop(connection, None)

    def asks_without_reading(self, connection: ClientConnection) -> None:
        self._closed("unread").inc()
        connection.drop()

    def was_refused(self, connection: ClientConnection, refusals: int) -> float:
        """How long to read nothing from it; below 0: it is to be closed."""
        pause = self.limits.pause(refusals, len(self._paused))
        if not pause:
            return 0.0
        if refusals >= self.limits.most_refusals or len(self._paused) >= self.limits.paused:
            self._closed("refused").inc()
            return -1.0
        self._reads_paused.inc()
        self._paused.add(connection)
        return pause * random.uniform(1 - _JITTER, 1 + _JITTER)

    def _make_room_among_idle(self, now: float) -> None:
        limits = self.limits
        while len(self._idle) > limits.idle:
            oldest, since = next(iter(self._idle.items()))
            if len(self._idle) <= limits.idle_at_most and now - since < limits.idle_at_least_seconds:
                return
            del self._idle[oldest]
            self._closed("idle").inc()
            oldest.transport.close()

    def goes_on(self, connection: ClientConnection) -> None:
        self._paused.discard(connection)


class ClientConnection(Protocol):
    """One of them."""

    def __init__(
        self, clients: Clients, config: Config, server_state: ServerState, app_state: dict[str, Any]
    ) -> None:
        super().__init__(config=config, server_state=server_state, app_state=app_state)
        self._clients = clients
        self._limits = clients.limits
        self._incomplete: tuple[RequestResponseCycle, Any] | None = None
        """A request whose head has come and whose body has not."""
        self._at_work: RequestResponseCycle | None = None
        self._requests = 0
        self._refusals = 0
        self._pause: asyncio.TimerHandle | None = None
        self._unread_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # uvloop's own method, as of asyncio's transports for TLS.
        transport.set_read_buffer_limits(self._limits.paused_bytes)  # type: ignore[attr-defined]
        self._clients.came(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._clients.left(self)
        if self._incomplete is not None:
            # It and this connection know each other, which would keep both until garbage is collected.
            self._incomplete[0].on_response = _nothing
            self._incomplete = None
        if self._pause is not None:
            self._pause.cancel()
        # uvicorn leaves its timer to itself where a connection was broken off, and the timer knows it.
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        clients = self._clients
        clients.is_busy(self)
        if self.transport.get_write_buffer_size() > self._limits.unread_bytes:
            clients.asks_without_reading(self)
            return
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head or self._incomplete is not None:
            clients.has_part_of_a_request(self)
        else:
            clients.has_whole_requests(self)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[REQUESTS_BEFORE] = self._requests  # type: ignore[literal-required]
        self._requests += 1

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if self._incomplete is not None and len(self._incomplete[0].body) > LARGEST_BODY:
            # The application refuses it, unread.
            self._start_incomplete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._incomplete is not None:
            self._start_incomplete()

    def on_response_complete(self) -> None:
        cycle = self._at_work
        assert cycle is not None
        pause = self._refusal(cycle)
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if pause:
            self.flow.pause_reading()
            self._pause = self.loop.call_later(pause, self._go_on)
        elif self._incomplete is not None:  # the next one came with this one, but for its end
            self._clients.has_part_of_a_request(self)
        elif self._at_work is cycle:
            self._clients.is_idle(self)

    def time_for_request(self) -> float:
        """Seconds that the request which is on its way may take."""
        limits = self._limits
        body = len(self._incomplete[0].body) if self._incomplete is not None else 0
        return min(limits.longest_request_seconds, limits.request_seconds + body / limits.body_rate)

    def has_not_read_for(self, now: float) -> float:
        """Seconds for which there was always something that the client's system had not taken."""
        end = self.transport.get_extra_info("socket")
        if end is None or not _not_taken(end.fileno()):  # none: it is closed, and about to leave
            self._unread_since = None
            return 0.0
        if self._unread_since is None:
            self._unread_since = now
        return now - self._unread_since

    def refuse_as_late(self) -> None:
        """Say that the request took too long to arrive, and close."""
        self._refuse(Problem(408, "request-too-slow", "The request took too long to arrive"))

    def drop(self) -> None:
        """Close at once; nothing of it is kept."""
        self._clients.left(self)
        reset(self.transport)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._at_work = cycle
        if not cycle.more_body:
            super()._start_asgi_task(cycle, app)
            return
        self._incomplete = cycle, app
        if cycle.waiting_for_100_continue:
            cycle.waiting_for_100_continue = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _start_incomplete(self) -> None:
        assert self._incomplete is not None
        cycle, app = self._incomplete
        self._incomplete = None
        super()._start_asgi_task(cycle, app)

    def _refusal(self, cycle: RequestResponseCycle) -> float:
        """How long to read nothing, now that this request is answered."""
        if REFUSED not in cycle.scope:
            self._refusals = max(0, self._refusals - 1)
            return 0.0
        self._refusals += 1
        pause = self._clients.was_refused(self, self._refusals)
        if pause < 0 or (pause and self.pipeline):
            self.transport.close()
        return pause

    def _go_on(self) -> None:
        self._pause = None
        self._clients.goes_on(self)
        self._clients.is_idle(self)
        self.flow.resume_reading()


def _nothing() -> None:
    """What a request does at its end that never began."""


def _not_taken(descriptor: int) -> int:
    """Bytes sent on a socket that the other end has not confirmed; 0 where the system does not tell."""
    try:
        size: int = struct.unpack("i", fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4)))[0]
    except OSError:
        return 0
    return size
