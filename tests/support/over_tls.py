"""A server on real sockets with TLS, and connections to it that a test opens and uses step by step."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from starlette.types import ASGIApp

from services.platform.clients import Clients
from services.platform.serve import Server
from services.platform.settings import Address
from services.platform.tls import Credentials


async def hello(scope: dict, receive: Callable, send: Callable) -> None:  # type: ignore[type-arg]
    """An application that answers 200, and takes part in a lifespan."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    head = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
    await send(head)
    await send({"type": "http.response.body"})


@asynccontextmanager
async def serving(
    app: ASGIApp, credentials: Credentials, clients: Clients | None = None
) -> AsyncIterator[tuple[Server, Address, Address]]:
    """The server, the address of its internal listener and that of its public one."""
    server = Server(app, credentials)
    await server.start()
    anywhere = Address("127.0.0.1", 0)
    try:
        internal = await server.listen(app, anywhere, credentials.internal)
        yield server, internal, await server.listen(app, anywhere, credentials.public, clients)
    finally:
        await server.stop()


@contextmanager
def standing_in(name: str, handler: type[BaseHTTPRequestHandler], folder: Path) -> Iterator[str]:
    """A listener with the certificate of a part, for whoever has one of the same authority, in a thread of
    its own. Yields its address."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "ca.pem"))
    tls.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    tls.verify_mode = ssl.CERT_REQUIRED
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            serving.join()


def client_context(folder: Path, name: str | None = "prober") -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    if name is not None:
        context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context


class Connection:
    """One HTTP/1.1 connection, so that a test decides when it opens one."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, address: Address, context: ssl.SSLContext) -> Connection:
        streams = await asyncio.open_connection(
            address.host, address.port, ssl=context, server_hostname="localhost"
        )
        return cls(*streams)

    async def send(self, request: bytes) -> None:
        self.writer.write(request)
        await self.writer.drain()

    async def head(self) -> bytes:
        async with asyncio.timeout(5):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def get(self, path: str = "/") -> int:
        """The status. Raises asyncio.IncompleteReadError or OSError when the connection is closed instead."""
        await self.send(b"GET %b HTTP/1.1\r\nhost: post-east\r\n\r\n" % path.encode())
        head = await self.head()
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        await self.reader.readexactly(length)
        return int(head.split()[1])

    def serial_number(self) -> int:
        """Which certificate the server showed on this connection."""
        tls: ssl.SSLObject = self.writer.get_extra_info("ssl_object")
        certificate = tls.getpeercert()
        assert certificate is not None
        return int(str(certificate["serialNumber"]), 16)
