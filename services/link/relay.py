"""A TCP relay: two connections joined, so that each end believes that it talks to the other.

A fault holds what it hits on its way, in both directions. A relay of TCP has no packets to lose: it does what
TCP does about a lost one, to what it read at once. That waits for the retransmission, all behind it waits as
well, and if it never arrives the connection ends.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import cast

from services.link.routes import LinkRoute
from services.platform.injection.applied import AppliedFault
from services.platform.injection.held import Held, InOrder
from services.platform.injection.points import InjectionPoints
from services.platform.keepalive import keep_alive
from services.platform.names import connect
from services.platform.settings import Address

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 0.3
"""For the look-up of the name and the connection together. Whoever connects here has no more patience, and
shall take a link whose other end is down for a store that refuses, not for one that is silent."""


class Relay:
    """All routes of one line. The connections are its own: they end with it."""

    def __init__(self, routes: Sequence[LinkRoute], faults: InjectionPoints | None = None) -> None:
        """`faults`: what may hold what is relayed."""
        self._routes = routes
        self._faults = faults or InjectionPoints()
        self._listeners: list[asyncio.Server] = []
        self.ends: set[_End] = set()
        """Both ends of every connection that is open now."""
        self._faults.on("partition-one-way", self._cut)

    async def _cut(self, _: AppliedFault) -> None:
        """What cannot be sent on any more cannot be acknowledged, either."""
        for end in list(self.ends):
            end.abort()

    async def start(self) -> tuple[Address, ...]:
        """Listen; returns the addresses, with the ports that were given where they were 0. Raises OSError."""
        return tuple([await self._listen(route) for route in self._routes])

    def close(self) -> None:
        """Take no more connections, and cut those that there are."""
        for listener in self._listeners:
            listener.close()
        for end in list(self.ends):
            end.abort()

    async def _listen(self, route: LinkRoute) -> Address:
        listener = await asyncio.get_running_loop().create_server(
            lambda: _NearEnd(self.ends, self._faults, route.target), route.listen.host, route.listen.port
        )
        self._listeners.append(listener)
        return Address(route.listen.host, listener.sockets[0].getsockname()[1])


class _End(asyncio.Protocol):
    """One of the two connections. What it receives leaves by the other one, no faster than that takes it."""

    def __init__(self, ends: set[_End], faults: InjectionPoints) -> None:
        self._ends = ends
        self._faults = faults
        self._held = InOrder(self._give_up)
        self._transport: asyncio.Transport | None = None
        self._other: _End | None = None
        self._received_all = False
        self._early = b""
        """What it received before there was another one."""

    @property
    def transport(self) -> asyncio.Transport | None:
        """The connection, unless it is closed or about to be."""
        transport = self._transport
        return None if transport is None or transport.is_closing() else transport

    def join(self, other: _End) -> None:
        """Begin to relay between the two."""
        self._other, other._other = other, self
        self._hand_on(other)
        other._hand_on(self)

    def _hand_on(self, other: _End) -> None:
        """What came before there was another one: data, an end of data, or the end of the connection."""
        early, self._early = self._early, b""
        if other.transport:
            if early:
                other.transport.write(early)
            if self._transport is None or (self._received_all and other._received_all):
                other.transport.close()
            elif self._received_all:
                other.transport.write_eof()
        if self.transport:
            self.transport.resume_reading()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop has transports of its own, which only look like this class.
        self._transport = cast(asyncio.Transport, transport)
        self._ends.add(self)
        keep_alive(transport.get_extra_info("socket"))

    def data_received(self, data: bytes) -> None:
        if self._other is None:
            self._early += data
            if self.transport:
                self.transport.pause_reading()
        elif self._faults.inbound is None and self._held.is_free:
            self._leave(data)
        else:
            self._held.carry(self._fate(), lambda: self._leave(data))

    def _fate(self) -> Held:
        """What becomes of what was just read."""
        hit = self._faults.choose("", "", None, None)
        return self._faults.held(hit) if hit else Held(0.0)

    def _leave(self, data: bytes) -> None:
        if self._other is not None and self._other.transport:
            self._other.transport.write(data)

    def _in_turn(self, happen: Callable[[], None]) -> None:
        """Let something happen once all that was received has left."""
        if self._held.is_free:
            happen()
        else:
            self._held.carry(Held(0.0), happen)

    def _give_up(self) -> None:
        """What was held is lost for good, and with it what came after."""
        for end in (self, self._other):
            if end is not None:
                end.abort()

    def pause_writing(self) -> None:
        if self._other is not None and self._other.transport:
            self._other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self._other is not None and self._other.transport:
            self._other.transport.resume_reading()

    def eof_received(self) -> bool:
        """Pass on that nothing more comes. The other direction may go on, unless it has ended too."""
        self._received_all = True
        if self._other is None:
            return True
        has_ended = self._other._received_all and self._other._held.is_free
        if self._held.is_free and (has_ended or not self._other.transport):
            return False
        self._in_turn(self._pass_end)
        return True

    def _pass_end(self) -> None:
        if self._other is None or not self._other.transport:
            return
        if self._other._received_all and self._other._held.is_free:
            self._other.transport.close()
            if self.transport:
                self.transport.close()
        else:
            self._other.transport.write_eof()

    def connection_lost(self, error: Exception | None) -> None:
        self._ends.discard(self)
        self._transport = None
        self._in_turn(self._close_other)

    def _close_other(self) -> None:
        if self._other is not None and self._other.transport:
            self._other.transport.close()


class _NearEnd(_End):
    """The connection that came in, and that makes the other one."""

    def __init__(self, ends: set[_End], faults: InjectionPoints, target: Address) -> None:
        super().__init__(ends, faults)
        self._target = target
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def connection_lost(self, error: Exception | None) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
        super().connection_lost(error)

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                far = await connect(lambda: _End(self._ends, self._faults), self._target, faults=self._faults)
        except OSError as error:  # TimeoutError is one
            logger.debug("%s cannot be reached: %r", self._target, error)
            self.abort()
        else:
            self.join(far)
