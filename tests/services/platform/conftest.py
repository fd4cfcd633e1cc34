"""An application of the platform in this process, without a store behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from services.platform import genesis
from services.platform.app import build
from services.platform.settings import Address, Settings
from services.platform.store import Store

CONTROL = {"authorization": "Bearer control-token"}


class NoStore:
    """Stands where nothing of the store is used but that it is there, or is not."""

    def __init__(self) -> None:
        self.is_ready = True

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def ready(self) -> bool:
        return self.is_ready

    async def query(self, *command: object) -> list[object]:
        return []


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "token").write_text("control-token\n")
    return Settings(
        service="post",
        place="east",
        listen=Address("127.0.0.1", 0),
        pki=tmp_path,
        secrets=tmp_path,
        extra={"MAX_IN_FLIGHT": "3"},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    genesis.make_certificates(tmp_path, ["post-east", "prober"])
    return tmp_path


Start = Callable[..., Awaitable[tuple[FastAPI, httpx.AsyncClient]]]


@pytest.fixture
async def start(settings: Settings) -> AsyncIterator[Start]:
    """Starts an application with these routers; gives it and a client of it. At most 3 requests in flight."""
    async with AsyncExitStack() as running:

        async def start(*routers: APIRouter, **more: Any) -> tuple[FastAPI, httpx.AsyncClient]:
            app = build(settings, cast(Sequence[APIRouter], routers), store=cast(Store, NoStore()), **more)
            await running.enter_async_context(app.router.lifespan_context(app))
            transport = httpx.ASGITransport(app)
            client = httpx.AsyncClient(transport=transport, base_url="https://post-east")
            return app, await running.enter_async_context(client)

        yield start
