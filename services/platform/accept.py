"""The door of the public listener: new connections are taken in turns, the newest first.

asyncio's servers take whoever waits, all at once and in the order of arrival. A thousand connections that
come together cost a second or more of handshakes, in which the loop serves nobody, and whoever comes next
waits behind all of them. Here a few handshakes begin in each turn of the loop, and the one that came last is
next: somebody who comes behind a crowd waits for some milliseconds, and the crowd as long as it would have.
Where more come than can be served for long, the oldest give way; they would have been too late anyway.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import deque
from collections.abc import Callable

from services.platform.client_limits import ClientLimits

logger = logging.getLogger(__name__)

TAKEN_AT_ONCE = 64
"""Connections taken from the operating system in one turn of the loop; one costs some 20 microseconds."""

TRY_AGAIN_SECONDS = 0.2
"""How long nobody is taken when the process has no file descriptor left."""


class Door:
    """Accepts connections at a listening socket until it is closed."""

    def __init__(
        self,
        listener: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        tls: ssl.SSLContext,
        limits: ClientLimits,
        *,
        shutdown_seconds: float,
        on_crowded: Callable[[], None],
    ) -> None:
        """Takes over `listener`. `on_crowded()` is called for each connection that had to give way to
        another."""
        self._listener = listener
        self._protocol = protocol
        self._tls = tls
        self._limits = limits
        self._shutdown_seconds = shutdown_seconds
        self._on_crowded = on_crowded
        self._waiting: deque[socket.socket] = deque()
        self._handshakes: dict[asyncio.Task[None], None] = {}
        """The oldest first."""
        self._loop = asyncio.get_running_loop()
        self._next_turn: asyncio.Handle | None = None
        self._reopening: asyncio.TimerHandle | None = None
        listener.setblocking(False)
        self._open()

    def close(self) -> None:
        """Take nobody any more. Handshakes under way go on: who has sent its part of one may have sent a
        request as well."""
        for handle in (self._reopening, self._next_turn):
            if handle is not None:
                handle.cancel()
        self._loop.remove_reader(self._listener)
        self._listener.close()
        for connection in self._waiting:
            connection.close()

    @property
    def shakes_hands(self) -> bool:
        """Whether a handshake is under way."""
        return bool(self._handshakes)

    def break_off(self) -> None:
        """End the handshakes that are under way."""
        for handshake in list(self._handshakes):
            handshake.cancel()

    def _open(self) -> None:
        self._loop.add_reader(self._listener, self._take_some)

    def _take_some(self) -> None:
        """Called in each turn of the loop in which somebody knocks."""
        for _ in range(TAKEN_AT_ONCE):
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                break
            except OSError as error:
                # The listener stays readable, so the loop would turn for nothing.
                logger.error("no connection can be taken: %s", error)
                self._loop.remove_reader(self._listener)
                self._reopening = self._loop.call_later(TRY_AGAIN_SECONDS, self._open)
                break
            connection.setblocking(False)
            self._waiting.append(connection)
            if len(self._waiting) > self._limits.waiting:
                self._waiting.popleft().close()
                self._on_crowded()
        if self._next_turn is None:
            self._begin_some()

    def _begin_some(self) -> None:
        """Begin a few handshakes, and come back in the next turn if others wait."""
        self._next_turn = None
        for _ in range(min(len(self._waiting), self._limits.handshakes_at_once)):
            handshake = self._loop.create_task(self._shake_hands(self._waiting.pop()))
            self._handshakes[handshake] = None
            handshake.add_done_callback(self._ended)
            if len(self._handshakes) > self._limits.handshakes:
                oldest = next(iter(self._handshakes))
                del self._handshakes[oldest]
                oldest.cancel()
                self._on_crowded()
        if self._waiting:
            self._next_turn = self._loop.call_soon(self._begin_some)

    def _ended(self, handshake: asyncio.Task[None]) -> None:
        self._handshakes.pop(handshake, None)

    async def _shake_hands(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(
                self._protocol,
                connection,
                ssl=self._tls,
                ssl_handshake_timeout=self._limits.handshake_seconds,
                ssl_shutdown_timeout=self._shutdown_seconds,
            )
        except OSError as error:
            logger.debug("no handshake: %s", error)
