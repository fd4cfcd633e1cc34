"""What becomes of an answer that a fault has hit: it comes drop by drop, or it is not what was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, NamedTuple

from starlette.types import Message, Send

from services.platform.injection.applied import AppliedFault
from services.platform.tasks import first_of

DROPS_SECONDS = 0.02
"""Between two drops, unless one byte needs longer."""

LEAVES_WITHIN = 0.01
"""Seconds until what was written has left, before its connection is ended."""

GONE_WITHIN = 1.0
"""Seconds that a connection may take to go away after it was ended."""

Headers = Iterable[tuple[bytes, bytes]]


class Client(NamedTuple):
    """Who waits for the answer."""

    hang_up: Callable[[], None]
    leaves: Callable[[], Coroutine[Any, Any, None]]


class SpoiledAnswer:
    """The way out of one answer."""

    def __init__(self, applied: AppliedFault, send: Send, client: Client, lease: float) -> None:
        """`lease`: seconds that are left of the fault."""
        self._applied = applied
        self._fault = applied.fault
        self._send = send
        self._client = client
        self._lease = lease
        self._left: int | None = None
        """Of a body whose length is known: how many bytes are still to be sent."""
        self._is_over = False

    async def send(self, message: Message) -> None:
        """Send what is left of this message."""
        if self._is_over:
            return
        if message["type"] != "http.response.body":
            message["headers"] = list(self._spoil_headers(message.get("headers", ())))
            await self._send(message)
            return
        match self._fault.kind:
            case "slow-drip":
                await self._drip(message)
            case "aborted":
                await self._break_off(message)
            case "wrong-headers":
                await self._send(message)
            case _:
                message["body"] = self._spoil_body(message.get("body", b""))
                await self._send(message)

    def _spoil_headers(self, headers: Headers) -> Headers:
        wrong = self._fault.header.encode() if self._fault.kind == "wrong-headers" else None
        if wrong is not None and self._fault.value:
            yield wrong, self._fault.value.encode()
        for name, value in headers:
            if name == wrong:
                continue
            if name == b"content-length" and self._fault.kind == "truncated":
                self._left = self._kept(int(value))
                yield name, b"%d" % self._left
            else:
                yield name, value

    def _spoil_body(self, body: bytes) -> bytes:
        if self._fault.kind == "corrupted":
            return _corrupted(body, self._fault.every)
        if self._left is None:
            return body[: self._kept(len(body))]
        body = body[: self._left]
        self._left -= len(body)
        return body

    def _kept(self, length: int) -> int:
        """How many bytes are kept of so many: never all."""
        return min(int(length * self._fault.keep), max(0, length - 1))

    async def _drip(self, message: Message) -> None:
        """Nobody drips for a client who has gone, nor when the fault is over."""
        await first_of(
            self._send_drops(message),
            self._applied.ended.wait(),
            self._client.leaves(),
            seconds=self._lease,
        )
        await self._send(message)

    async def _send_drops(self, message: Message) -> None:
        """All but the last drop; what is sent is taken from the message."""
        size = max(1, int(self._fault.rate * DROPS_SECONDS))
        while len(body := message.get("body", b"")) > size:
            message["body"] = body[size:]
            await self._send({**message, "body": body[:size], "more_body": True})
            await asyncio.sleep(size / self._fault.rate)

    async def _break_off(self, message: Message) -> None:
        body = message.get("body", b"")
        await self._send({**message, "body": body[: self._kept(len(body))], "more_body": True})
        if body:
            self._is_over = True
            await asyncio.sleep(LEAVES_WITHIN)
            self._client.hang_up()
            await first_of(self._client.leaves(), seconds=GONE_WITHIN)


def _corrupted(body: bytes, every: int) -> bytes:
    """One bit of every so many bytes is turned, counted from the end: the one that no text of JSON has."""
    changed = bytearray(body)
    for position in range(len(body) - 1, -1, -every):
        changed[position] ^= 0x80
    return bytes(changed)
