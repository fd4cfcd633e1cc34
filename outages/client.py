"""A user's client: fresh TLS connections to the public edges, and exact names for what went wrong.

httpx is not used here. Measured on fresh TLS 1.3 connections (one request each, loopback): httpx with a
shared SSL context costs 1.9 to 2.2 ms of CPU per request, the protocol below 0.8 ms, nearly all of it
the handshake. At the prober's default rate that is the difference between 4 % and 10 % of a core.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httptools

from outages.edges import PublicEdge, system_reason
from outages.failures import Failed, Refused

MALFORMED = (KeyError, TypeError, AttributeError, ValueError)
"""What reading an answer raises that is JSON of another shape than the API promises."""


@dataclass(frozen=True)
class PublicAnswer:
    """A whole HTTP answer."""

    status: int
    body: bytes
    content_type: str = ""
    replicated: bool = True
    """False when the site said that only one store has what was written, so that it may be lost."""

    def json(self) -> Any:
        """The parsed body; Failed("wrong-content") when it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise Failed("wrong-content", f"not JSON: {self.body[:60]!r}") from None

    def expect(self, *statuses: int) -> PublicAnswer:
        """This answer if it has one of the statuses; otherwise Refused with the problem's slug and detail."""
        if self.status in statuses:
            return self
        raise Refused(self.status, f"{self.status}{self._problem()}")

    def _problem(self) -> str:
        try:
            problem = json.loads(self.body)
            slug = str(problem["type"]).rpartition("/")[2]
            return f" {slug}: {problem.get('detail') or problem.get('title', '')}"[:200].rstrip(": ")
        except (ValueError, KeyError, TypeError):
            return ""


Trust = Callable[[], ssl.SSLContext]
"""Gives the client context of now: whom the site's people trust may change."""


def trusting(ca: Path) -> Trust:
    """Trusts the authorities in this file alone, and looks at each connection whether it has changed. A file
    that cannot be read leaves things as they are. Sessions are not resumed: each handshake is whole. Raises
    OSError when there is nothing to begin with."""

    def stamp() -> tuple[int, int, int]:
        status = ca.stat()
        return status.st_mtime_ns, status.st_ino, status.st_size

    seen = stamp()
    context = ssl.create_default_context(cafile=str(ca))

    def now() -> ssl.SSLContext:
        nonlocal seen, context
        with suppress(OSError):
            if (found := stamp()) != seen:
                seen, context = found, ssl.create_default_context(cafile=str(ca))
        return context

    return now


class PublicConnection(asyncio.Protocol):
    """One TLS connection; HTTP/1.1, one request at a time. Made by `shake_hands`."""

    def __init__(self, edge: PublicEdge) -> None:
        self.edge = edge
        self._transport: asyncio.Transport | None = None
        self._parser: Any = None
        self._status = 0
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._stream: asyncio.Queue[bytes | None] | None = None
        self._waiting: asyncio.Future[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether another request can be sent."""
        return self._transport is not None and not self._transport.is_closing() and self._stream is None

    async def request(
        self, method: str, path: str, *, token: str = "", body: Any = None, headers: Mapping[str, str] = {}
    ) -> PublicAnswer:
        """Send a request and wait for the whole answer. Raises Failed("closed") when it does not come."""
        await self._send(method, path, token, body, headers)
        replicated = self._headers.get(b"failwhale-replicated") != b"false"
        return PublicAnswer(self._status, b"".join(self._body), self._content_type, replicated)

    async def stream(self, path: str, *, token: str = "") -> EventStream:
        """Open a server-sent event stream: returns when its head has arrived. Raises Failed."""
        self._stream = asyncio.Queue()
        await self._send("GET", path, token, None, {"accept": "text/event-stream"})
        if self._status != 200:
            body = b"".join([chunk async for chunk in self.chunks()])
            PublicAnswer(self._status, body).expect(200)
        if not self._content_type.startswith("text/event-stream"):
            raise Failed("wrong-content", f"a stream of type {self._content_type or 'unknown'}")
        return EventStream(self)

    @property
    def _content_type(self) -> str:
        return self._headers.get(b"content-type", b"").decode("latin-1")

    def close(self) -> None:
        """Drop the connection without ceremony; the other side sees it closed at once."""
        if self._transport is not None:
            self._transport.abort()

    async def _send(self, method: str, path: str, token: str, body: Any, headers: Mapping[str, str]) -> None:
        if self._transport is None or self._transport.is_closing():
            raise Failed("closed", "before the request was sent")
        self._parser = httptools.HttpResponseParser(self)
        self._body = []
        self._headers = {}
        self._status = 0
        self._waiting = asyncio.get_running_loop().create_future()
        content = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", f"host: {self.edge.authority}", "user-agent: failwhale-prober"]
        lines.append("failwhale-client: prober")
        if token:
            lines.append(f"authorization: Bearer {token}")
        if body is not None:
            lines.append("content-type: application/json")
        if method in ("POST", "PUT"):
            lines.append(f"content-length: {len(content)}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
        await self._waiting

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body of an open stream as it arrives, until the server ends it."""
        assert self._stream is not None
        while (chunk := await self._stream.get()) is not None:
            yield chunk

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop has transports of its own, which only look like this class.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._parser is None:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(Failed("closed", f"not HTTP: {error}"))
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._stream is not None:
            self._stream.put_nowait(None)
        when = "before the answer" if not self._status else "before the whole answer"
        self._fail(Failed("closed", f"{when}{f': {exc}' if exc else ''}"))
        # They know this connection, which would be kept until garbage is collected, with 256 kB that TLS
        # reads into.
        self._parser = self._waiting = None

    def _fail(self, failure: Failed) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(failure)

    # --- httptools ---

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        if self._stream is not None:
            self._done()

    def on_body(self, body: bytes) -> None:
        if self._stream is not None:
            self._stream.put_nowait(body)
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        if self._stream is not None:
            self._stream.put_nowait(None)
        elif not self._parser.should_keep_alive():
            self.close()
        self._done()

    def _done(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class EventStream:
    """Events of an open server-sent event stream."""

    def __init__(self, connection: PublicConnection) -> None:
        self._connection = connection

    async def data(self, event: str) -> AsyncIterator[Any]:
        """The JSON data of each event of this name. Raises Failed("closed") when the stream ends."""
        rest = b""
        async for chunk in self._connection.chunks():
            *blocks, rest = (rest + chunk).replace(b"\r\n", b"\n").split(b"\n\n")
            for block in blocks:
                fields = _fields(block)
                if fields.get("event") == event:
                    yield PublicAnswer(200, fields.get("data", "").encode()).json()
        raise Failed("closed", "the stream ended")


def _fields(block: bytes) -> dict[str, str]:
    """The fields of one event; comments (heartbeats) have none."""
    fields: dict[str, str] = {}
    for line in block.decode(errors="replace").split("\n"):
        name, colon, value = line.partition(":")
        if colon and name:
            fields[name] = value.removeprefix(" ")
    return fields


async def shake_hands(edge: PublicEdge, sock: socket.socket, tls: ssl.SSLContext) -> PublicConnection:
    """Over a fresh TCP connection to an edge: a whole TLS handshake, and a verified certificate. Raises
    Failed("handshake") with the reason when the certificate is bad or the handshake breaks off."""
    try:
        # From here the socket belongs to the loop's transport, which closes it when the handshake fails.
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: PublicConnection(edge), sock=sock, ssl=tls, server_hostname=edge.host
        )
    except ssl.SSLCertVerificationError as error:
        raise Failed("handshake", error.verify_message or str(error)) from None
    except ssl.SSLError as error:
        raise Failed("handshake", (error.reason or str(error)).replace("_", " ").lower()) from None
    except OSError as error:
        raise Failed("handshake", f"broken off: {system_reason(error)}") from None
    return connection
