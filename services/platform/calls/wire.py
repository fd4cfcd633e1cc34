"""HTTP/1.1 over kept-alive connections: bytes out, bytes in, as little as possible between.

Stock httpx costs several times the CPU and, with a hundred calls in flight, makes seconds of delay of its
own (see bench/calls.py). This knows what calls between services need: whole answers, answers that stream,
TLS, and to tell precisely what may have reached the server when something fails.
"""

from __future__ import annotations

import asyncio
import math
import random
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self, cast

import httptools

from services.platform.injection.points import InjectionPoints
from services.platform.names import connect
from services.platform.settings import Address

Headers = Sequence[tuple[bytes, bytes]]
"""Names in lower case, as ASGI has them."""

IDLE_SECONDS = 60.0
"""A connection that was idle for longer is not used again: the server (75 s) may be closing it just now."""

KEPT_SECONDS = 10.0
"""A connection that is older is not used again (a quarter more or less, so that not all end together): what
has become of the certificates of both sides is asked no later than that."""

HIGH_WATER = 256 * 1024
"""Bytes of a stream that are kept for a slow reader before reading pauses."""

_HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
)
_WITH_BODY = frozenset({b"POST", b"PUT", b"PATCH"})


class WireError(Exception):
    """There is no (whole) answer."""

    error_type: ClassVar[str]
    """For metrics."""


class NotConnected(WireError):
    """No connection could be made. The request was certainly not seen."""

    error_type = "not-connected"


class TooSlow(WireError):
    """No (whole) answer within the time given. The request may have been acted on."""

    error_type = "too-slow"


class Broken(WireError):
    """The connection ended before the answer, or this is not HTTP. The request may have been acted on."""

    error_type = "broken"

    def __init__(self, message: str, *, unanswered: bool) -> None:
        """`unanswered`: not one byte of an answer came."""
        super().__init__(message)
        self.unanswered = unanswered


@dataclass(frozen=True)
class Reached:
    """After how many seconds a connection was there, or was given up, and why."""

    seconds: float
    error: str = ""


class Response(NamedTuple):
    """A whole answer. Hop-by-hop headers are left out, names are in lower case."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class StreamedResponse(NamedTuple):
    """The head of an answer whose body comes in pieces."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: Body


class Pool:
    """The kept connections to one address. As many as there are calls at once: bound those."""

    def __init__(
        self,
        address: Address,
        tls: Callable[[], ssl.SSLContext] | None,
        *,
        connect_seconds: float = 0.25,
        faults: InjectionPoints | None = None,
        part: str | None = None,
    ) -> None:
        """`tls` gives the context of now, since certificates are renewed; None means plain HTTP.
        `connect_seconds` is for connection and TLS handshake together; `faults` and `part` as in `connect`
        of services.platform.names."""
        self._address = address
        self._tls = tls
        self._connect_seconds = connect_seconds
        self._faults = faults
        self._part = part
        self._host = b"host: %b\r\n" % str(address).encode()
        self._idle: dict[_Connection, None] = {}  # the one used last is the last
        self._open: set[_Connection] = set()

    async def send(
        self,
        method: bytes,
        target: bytes,
        headers: Headers = (),
        body: bytes = b"",
        *,
        seconds: float,
        repeatable: bool = False,
    ) -> Response:
        """Send a request and wait for the whole answer, `seconds` at most. Raises WireError.

        A kept connection may have been closed by the server meanwhile; a `repeatable` request is then sent
        once more on a new one. Host and content-length are set here. Cancelling closes the connection.
        """
        data = self._encode(method, target, headers, body)
        connection = self._kept()
        if connection is not None:
            try:
                return await connection.exchange(data, method == b"HEAD", seconds)
            except Broken as error:
                if not (repeatable and error.unanswered):
                    raise
        connection = await self._connect(seconds)
        return await connection.exchange(data, method == b"HEAD", seconds)

    async def stream(
        self,
        method: bytes,
        target: bytes,
        headers: Headers = (),
        body: bytes = b"",
        *,
        seconds: float,
    ) -> StreamedResponse:
        """Send a request and wait for the head of the answer, `seconds` at most. Raises WireError.

        Always on a new connection. Close the body to give the connection up.
        """
        connection = await self._connect(seconds)
        return await connection.begin(self._encode(method, target, headers, body), seconds)

    def drop_idle(self) -> None:
        """Close the connections that are not in use."""
        while self._idle:
            self._idle.popitem()[0].abort()

    def let_go(self) -> None:
        """Use no connection again that is open now."""
        for connection in self._open:
            connection.grow_old()
        self.drop_idle()

    async def reach(self) -> Reached:
        """What a new connection gets now."""
        began = time.monotonic()
        try:
            (await self._connect(self._connect_seconds)).abort()
        except NotConnected as error:
            return Reached(time.monotonic() - began, str(error))
        return Reached(time.monotonic() - began)

    async def close(self) -> None:
        """Close all connections; requests in flight fail with Broken."""
        for connection in list(self._open):
            connection.abort()
        self._idle.clear()

    def put_back(self, connection: _Connection) -> None:
        self._idle[connection] = None

    def forget(self, connection: _Connection) -> None:
        self._open.discard(connection)
        self._idle.pop(connection, None)

    def _kept(self) -> _Connection | None:
        """The connection used last, so that those too many grow old and are closed by the server."""
        while self._idle:
            connection, _ = self._idle.popitem()
            if connection.take() < IDLE_SECONDS and not connection.is_old():
                return connection
            connection.abort()
        return None

    async def _connect(self, seconds: float) -> _Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(min(seconds, self._connect_seconds)):
                tls = None if self._tls is None else self._tls()
                connection = await connect(
                    lambda: _Connection(self, loop), self._address, tls, self._faults, self._part
                )
        except TimeoutError as error:
            raise NotConnected(f"{self._address} accepts no connection") from error
        except OSError as error:  # also what is wrong with a certificate
            raise NotConnected(f"{self._address}: {error}") from error
        self._open.add(connection)
        return connection

    def _encode(self, method: bytes, target: bytes, headers: Headers, body: bytes) -> bytes:
        head = [b"%b %b HTTP/1.1\r\n" % (method, target), self._host]
        head += [b"%b: %b\r\n" % header for header in headers]
        if body or method in _WITH_BODY:
            head.append(b"content-length: %d\r\n" % len(body))
        head.append(b"\r\n")
        head.append(body)
        return b"".join(head)


class _Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, pool: Pool, loop: asyncio.AbstractEventLoop) -> None:
        self._pool = pool
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[Response] | None = None
        self._stream: Body | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._any_byte = False
        self._head_only = False
        self._length_known = False
        self._in_body = False
        self._idle_since = 0.0
        self._is_idle = False
        self._old_at = loop.time() + KEPT_SECONDS * random.uniform(0.75, 1.25)

    def grow_old(self) -> None:
        """It has had its time once it is idle."""
        self._old_at = -math.inf

    def is_old(self) -> bool:
        """Whether it has had its time."""
        return self._loop.time() >= self._old_at

    def take(self) -> float:
        """Use it from now on. Returns for how many seconds it was idle; infinity when it is closing."""
        assert self._transport is not None
        self._is_idle = False
        return math.inf if self._transport.is_closing() else self._loop.time() - self._idle_since

    async def exchange(self, data: bytes, head_only: bool, seconds: float) -> Response:
        answer = self._send(data, head_only)
        timer = self._loop.call_later(seconds, self._too_slow)
        try:
            return await answer
        except asyncio.CancelledError:
            self.abort()
            raise
        finally:
            timer.cancel()
            del answer  # it has the error, whose traceback has this call

    async def begin(self, data: bytes, seconds: float) -> StreamedResponse:
        assert self._transport is not None
        self._stream = Body(self._transport)
        head = await self.exchange(data, False, seconds)
        return StreamedResponse(head.status, head.headers, self._stream)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _send(self, data: bytes, head_only: bool) -> asyncio.Future[Response]:
        assert self._transport is not None
        self._answer = self._loop.create_future()
        self._any_byte = False
        self._head_only = head_only
        if self._transport.is_closing():
            self._fail("the connection is closed")
        else:
            self._transport.write(data)
        return self._answer

    def _fail(self, reason: str) -> None:
        error = Broken(reason, unanswered=not self._any_byte)
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        elif self._stream is not None:
            self._stream.end(error)

    def _too_slow(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(TooSlow("no answer in time"))
        self.abort()

    def _resolve(self) -> None:
        """Give the caller what there is: the whole answer, or the head of a stream."""
        if self._answer is not None and not self._answer.done():
            body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
            self._answer.set_result(Response(self._parser.get_status_code(), self._headers, body))

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop has transports of its own, which only look like this class.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._any_byte = True
        if self._is_idle:
            self.abort()  # nobody asked
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"this is not HTTP: {error}")
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._pool.forget(self)
        if self._in_body and not self._length_known and error is None:
            self._in_body = False  # such a body ends with the connection
            self._finish()
        else:
            self._fail(f"the connection was lost: {error}" if error else "the server closed the connection")
        # The parser knows this connection, and an error the call that waited for it: both would be kept until
        # garbage is collected, and with them 256 kB that TLS reads into.
        del self._parser
        self._answer = None

    def _finish(self) -> None:
        if self._stream is not None:
            self._stream.end(None)
        self._resolve()

    # httptools.HttpResponseParser

    def on_message_begin(self) -> None:
        if self._is_idle:
            self.abort()  # a second answer to one request
        self._headers = []
        self._body = []
        self._length_known = False

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"content-length" or name == b"transfer-encoding":
            self._length_known = True
        if name not in _HOP_BY_HOP:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._parser.get_status_code() < 200:
            return
        self._in_body = True
        if self._stream is not None or self._head_only:
            self._resolve()
        if self._head_only:
            self.abort()  # the parser cannot know that no body follows

    def on_body(self, piece: bytes) -> None:
        if self._stream is not None:
            self._stream.put(piece)
        else:
            self._body.append(piece)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() < 200:
            return  # 100 Continue and the like: the answer is yet to come
        self._in_body = False
        self._finish()
        assert self._transport is not None
        if self._stream is None and self._parser.should_keep_alive() and not self._transport.is_closing():
            self._idle_since = self._loop.time()
            self._is_idle = True
            self._pool.put_back(self)
        else:
            self.abort()


class Body(AsyncIterator[bytes]):
    """The body of a streamed answer: pieces as they came. Iterating raises Broken when it is cut."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._paused = False
        self._ended = False
        self._error: Exception | None = None
        self._news = asyncio.Event()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not self._pieces:
            if self._error is not None:
                raise self._error
            if self._ended:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        piece = self._pieces.popleft()
        self._size -= len(piece)
        if self._paused and not self._pieces:
            self._paused = False
            self._transport.resume_reading()
        return piece

    def close(self) -> None:
        """Give the connection up."""
        self._transport.abort()

    # for the connection

    def put(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > HIGH_WATER and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._news.set()

    def end(self, error: Exception | None) -> None:
        if not self._ended:
            self._ended = True
            self._error = error
            self._news.set()
