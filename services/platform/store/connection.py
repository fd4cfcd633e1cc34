"""One connection to a Redis server, shared by many callers.

Commands are pipelined: what is sent in one turn of the loop leaves in one packet, and answers come in the
same order. That costs a quarter of the CPU of a pool of connections that each wait for their own answer
(see bench/store.py), and a dead or frozen server is noticed once, for all callers, not once for each.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, cast

import hiredis
from redis.exceptions import ResponseError

from services.platform.access import Access
from services.platform.injection.held import Held, InOrder
from services.platform.injection.points import InjectionPoints
from services.platform.names import connect
from services.platform.settings import Address

Argument = bytes | str | int | float
Command = tuple[Argument, ...]

CONNECT_SECONDS = 0.25
_TICKS = 5

_pack = cast(Callable[[Command], bytes], hiredis.pack_command)


class Lost(Exception):
    """The connection ended before the answer came. What was asked may have been done, or not."""


class NotSent(Lost):
    """There was no connection to send it on: it was certainly not done."""


class Refusal(ResponseError):
    """An error that the server answered with; `code` is its first word (READONLY, NOSCRIPT, ERR...)."""

    @property
    def code(self) -> str:
        return str(self).partition(" ")[0]


class StoreConnection(asyncio.Protocol):
    """An open connection. Lost as a whole: when the server closes it, or has been silent for too long."""

    def __init__(self, address: Address, patience: float, faults: InjectionPoints | None = None) -> None:
        """`patience`: seconds of silence, with an answer due, after which the server counts as frozen;
        `faults`: what may hold the answers of this server."""
        self.address = address
        self.closed = False
        self.frozen = False
        self.scripts: set[bytes] = set()
        """Hashes of the scripts that this server has been sent."""
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = hiredis.Reader(replyError=Refusal)
        self._unsent: list[bytes] = []
        self._waiting: deque[tuple[asyncio.Future[Any], int]] = deque()
        self._partial: list[Any] = []
        self._answered = 0
        self._answered_at_last_tick = 0
        self._silent_ticks = 0
        self._timer: asyncio.TimerHandle | None = None
        self._faults = faults
        self._late = InOrder(lambda: self.close("its answers were lost"))

    @classmethod
    async def open(
        cls,
        address: Address,
        patience: float,
        role: bytes | None = None,
        access: Access | None = None,
        faults: InjectionPoints | None = None,
    ) -> StoreConnection:
        """Connect as the user of `access` and, if `role` is given, make sure that the server has it
        (`master`). Raises NotSent.

        The question is also what tells a frozen server, whose kernel still accepts connections, from a live
        one.
        """
        connection: StoreConnection | None = None
        answer: Any = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                connection = await connect(lambda: cls(address, patience, faults), address, faults=faults)
                if access is not None:
                    connection.call("AUTH", *access)  # where that is refused, so is what follows
                answer = await connection.call("ROLE")
        except (OSError, Lost) as error:  # TimeoutError is an OSError
            reason = str(error) or "it does not answer"
            raise NotSent(f"{address}: {reason}") from error
        finally:
            if connection is not None and answer is None:
                connection.close("not in use")
        if isinstance(answer, Refusal):
            connection.close("it refuses")
            raise NotSent(f"{address} refuses: {answer}")
        if role is not None and answer[0] != role:
            connection.close("wrong role")
            raise NotSent(f"{address} is not {role!r} but says {answer!r:.80}")
        return connection

    def call(self, *command: Argument) -> asyncio.Future[Any]:
        """Send one command. The future holds the answer, a Refusal as a value too; it raises Lost."""
        return self._send(_pack(command), 1)

    def pipeline(self, commands: Sequence[Command]) -> asyncio.Future[list[Any]]:
        """Send several commands back to back. The future holds all answers in order; it raises Lost."""
        return self._send(b"".join(map(_pack, commands)), len(commands))

    def _send(self, packed: bytes, answers: int) -> asyncio.Future[Any]:
        if self.closed:
            raise NotSent(f"the connection to {self.address} is closed")
        future: asyncio.Future[Any] = self._loop.create_future()
        self._waiting.append((future, answers))
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(packed)
        if self._timer is None:
            self._silent_ticks = 0
            self._timer = self._loop.call_later(self._patience / _TICKS, self._tick)
        return future

    def _flush(self) -> None:
        if self._transport is not None and not self.closed:
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    def _tick(self) -> None:
        """Counts ticks without an answer, not time: a stall of this process is not the server's."""
        self._timer = None
        if not self._waiting or self.closed:
            return
        if self._answered == self._answered_at_last_tick:
            self._silent_ticks += 1
        else:
            self._silent_ticks = 0
            self._answered_at_last_tick = self._answered
        if self._silent_ticks >= _TICKS:
            self.frozen = True
            self.close(f"no answer for {self._patience:g} s")
        else:
            self._timer = self._loop.call_later(self._patience / _TICKS, self._tick)

    def close(self, reason: str) -> None:
        """Give the connection up; whoever waits gets Lost with this reason."""
        if self.closed:
            return
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._late.close()
        if self._transport is not None:
            self._transport.abort()
        waiting, self._waiting = self._waiting, deque()
        for future, _ in waiting:
            if not future.done():
                future.set_exception(Lost(f"{self.address}: {reason}"))
                future.exception()  # its caller may have stopped waiting; that is no error to log

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop has transports of its own, which only look like this class.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        faults = self._faults
        if (faults is None or faults.from_stores is None) and self._late.is_free:
            self._take(data)
        else:
            held = faults.held_from(self.address) if faults else None
            self._late.carry(held or Held(0.0), lambda: self._take(data))

    def _take(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while (answer := self._reader.gets(False)) is not False:
                self._answered += 1
                future, answers = self._waiting[0]
                if answers > 1:
                    self._partial.append(answer)
                    if len(self._partial) < answers:
                        continue
                    answer, self._partial = self._partial, []
                self._waiting.popleft()
                if not future.done():
                    future.set_result(answer)
        except (hiredis.ProtocolError, IndexError) as error:
            self.close(f"it does not speak Redis: {error!r}")

    def connection_lost(self, error: Exception | None) -> None:
        self.close(str(error) if error else "the server closed the connection")
