"""A front end in this process, with services behind it that are real sockets and do as they are told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp

from services.frontend.app import front_end
from services.frontend.routes import EdgeRouteTable
from services.platform.calls import Caller
from services.platform.identity import User
from services.platform.settings import Address, Replica, Settings
from services.platform.site import Site
from services.platform.store import Store

ANN = User(41, "ann")


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    hung_up: Callable[[], Awaitable[object]]
    """Returns when the caller has closed its end."""


Behaviour = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


def answering(
    status: int = 200, body: bytes = b'{"ok":true}', headers: dict[str, str] | None = None
) -> Behaviour:
    """Answers every request alike."""
    lines = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
    head = f"HTTP/1.1 {status} Whatever\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in lines.items()
    )

    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head.encode() + b"\r\n" + body)
        await writer.drain()

    return answer


async def hanging_up(_: Request, writer: asyncio.StreamWriter) -> None:
    """Takes the request and drops the connection."""
    writer.transport.abort()


@dataclass
class FakeReplica:
    """One replica of a service: real sockets, plain HTTP, and it remembers what it was asked."""

    behaviour: Behaviour = field(default_factory=answering)
    requests: list[Request] = field(default_factory=list)
    connections: set[asyncio.StreamWriter] = field(default_factory=set)
    port: int = 0

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        return server

    def drop_connections(self) -> None:
        for writer in list(self.connections):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(writer)
        try:
            while True:
                request = await self._read(reader)
                self.requests.append(request)
                await self.behaviour(request, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.connections.discard(writer)
            writer.close()

    @staticmethod
    async def _read(reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Request(method, target, headers, body, reader.read)


@dataclass
class Behind:
    """The two replicas of one service."""

    east: FakeReplica
    west: FakeReplica

    @property
    def requests(self) -> list[Request]:
        return [*self.east.requests, *self.west.requests]


@dataclass
class Front:
    """A front end and all that is behind it."""

    internal: FastAPI
    public: ASGIApp
    http: httpx.AsyncClient
    """A client of the public listener."""
    services: dict[str, Behind]

    @property
    def site(self) -> Site:
        site: Site = self.internal.state.site
        return site

    def token(self, user: User = ANN, lifetime: float = 60.0, sid: str | None = None) -> str:
        return self.site.session_keys.issue(user, lifetime, sid=sid)

    def signed_in(self, user: User = ANN) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(user)}"}

    def measured(self, method: str, route: str, status: int) -> float:
        """How many requests were counted under these labels."""
        labels = {
            "http_request_method": method,
            "http_route": route,
            "http_response_status_code": str(status),
        }
        name = "http_server_request_duration_seconds_count"
        return self.site.metrics.registry.get_sample_value(name, labels) or 0.0


Query = Callable[..., Awaitable[list[bytes]]]


async def silent(*_: object) -> list[bytes]:
    return []


class NoStore:
    """Stands where nothing is used of the store but that it can be started, and what `query` answers."""

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def ready(self) -> bool:
        return False

    def __init__(self, query: Query) -> None:
        self.query = query

    def channel(self, **_: object) -> object:
        raise ConnectionError("there is no store")


StartFront = Callable[..., Awaitable[Front]]


@pytest.fixture
async def start_front(tmp_path: Path) -> AsyncIterator[StartFront]:
    """Starts a front end; `query` stands for the store's, other keyword arguments are environment
    variables."""
    (tmp_path / "token").write_text("control-token")
    (tmp_path / "session-keys.json").write_text(json.dumps({"current": "one", "keys": {"one": "s" * 40}}))
    async with AsyncExitStack() as running:

        async def start(query: Query = silent, **environment: str) -> Front:
            settings = Settings(
                service="frontend",
                place="east",
                listen=Address("127.0.0.1", 0),
                pki=tmp_path,
                secrets=tmp_path,
                extra=environment,
            )
            built = front_end(settings, store=cast(Store, NoStore(query)))
            site: Site = built.internal.state.site
            services = {name: Behind(FakeReplica(), FakeReplica()) for name in EdgeRouteTable().services}
            callers = {}
            for name, behind in services.items():
                replicas = []
                for place, fake in (("east", behind.east), ("west", behind.west)):
                    server = await fake.start()
                    running.callback(server.close)
                    running.callback(fake.drop_connections)
                    replicas.append(Replica(place, Address("127.0.0.1", fake.port)))
                callers[name] = Caller(name, replicas, "east", None, site.protections)
            site.calls = callers
            await running.enter_async_context(built.internal.router.lifespan_context(built.internal))
            http = httpx.AsyncClient(
                transport=httpx.ASGITransport(built.public), base_url="https://localhost:8443"
            )
            await running.enter_async_context(http)
            return Front(built.internal, built.public, http, services)

        yield start


@pytest.fixture
async def front(start_front: StartFront) -> Front:
    return await start_front()
