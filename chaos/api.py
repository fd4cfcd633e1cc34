"""The controller's HTTP interface: the injector's verbs, for who has the site's token."""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import Gauge
from prometheus_client.registry import Collector
from pydantic import BaseModel, ConfigDict, Field

from chaos.fault_rows import show
from chaos.injector import DEFAULT_SECONDS, Injector
from chaos.injector import Request as Wish
from chaos.metrics import CertificatesPresented, FaultsInForce, StoreRoles
from foundation.failure import USAGE, Failure
from services.platform.metrics import CONTENT_TYPE, Metrics
from services.platform.problems import MEDIA_TYPE, Problem
from services.platform.settings import Settings
from services.platform.tasks import cancel_all

CATCH_UP_EVERY = 1.0
"""Seconds between two tries to write down what there was no room for."""


class FaultRequest(BaseModel):
    """What POST /faults takes. `id` is chosen by the asker, so that asking twice does it once."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    id: str = Field(default="", max_length=60, pattern=r"^[a-z0-9-]*$")
    fault: str = Field(max_length=60)
    target: str = Field(max_length=500)
    from_selector: str | None = Field(default=None, max_length=500, alias="from")
    seconds: float = DEFAULT_SECONDS
    parameters: dict[str, float | int | str | None] = Field(default_factory=dict)
    seed: int = 0
    reason: str = ""
    asked_by: str = Field(default="", max_length=100)
    intensity: int | None = None
    stop_when: str = Field(default="", max_length=100)

    def wish(self) -> Wish:
        return Wish(**dict(self))


class HealRequest(BaseModel):
    """What POST /heal takes: the ids of the faults to end; None, or no body: all."""

    model_config = ConfigDict(extra="forbid")

    faults: list[str] | None = None


def build(injector: Injector, settings: Settings, token: Callable[[], str]) -> FastAPI:
    """The application. `token` reads the site's control token."""
    asked = (StoreRoles(injector.store_roles), CertificatesPresented(injector.certificates))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        injector.resume()
        asking = (*(one.keep_asking() for one in asked), _keep_catching_up(injector))
        tasks = [asyncio.create_task(one) for one in asking]
        yield
        await cancel_all(tasks)

    def with_token(request: Request) -> None:
        sent = request.headers.get("authorization", "")
        if not hmac.compare_digest(sent.encode(), f"Bearer {token()}".encode()):
            raise Problem(401, "no-control-token", "This needs the site's control token")

    app = FastAPI(
        title="failwhale chaos controller",
        version=settings.release,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(_faults(injector), dependencies=[Depends(with_token)])
    app.include_router(_common(injector, settings, asked))
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(Failure, _on_failure)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    return app


async def _keep_catching_up(injector: Injector) -> None:
    while True:
        await asyncio.sleep(CATCH_UP_EVERY)
        await asyncio.to_thread(injector.catch_up)


def _faults(injector: Injector) -> APIRouter:
    router = APIRouter()

    @router.post("/faults", status_code=201)
    def begin(wanted: FaultRequest) -> dict[str, Any]:
        return dict(show(injector.order(wanted.wish())))

    @router.post("/faults/look-ahead", status_code=204)
    def look_ahead(wanted: FaultRequest) -> None:
        injector.look_ahead(wanted.wish())

    @router.get("/faults")
    async def faults() -> dict[str, Any]:
        return {"faults": [show(entry) for entry in injector.entries()], "blocked": injector.blocked}

    @router.get("/faults/{identifier}")
    async def fault(identifier: str) -> dict[str, Any]:
        entry = injector.entry(identifier)
        if entry is None:
            raise _unknown(identifier)
        return dict(show(entry))

    @router.delete("/faults/{identifier}")
    def end(identifier: str) -> dict[str, Any]:
        entry = injector.end(identifier, by="operator")
        if entry is None:
            raise _unknown(identifier)
        return dict(show(entry))

    @router.post("/heal")
    def heal(wanted: HealRequest | None = None) -> dict[str, Any]:
        only = wanted.faults if wanted else None
        return {"faults": [show(entry) for entry in injector.end_all("heal", only)]}

    @router.post("/block")
    def block() -> dict[str, Any]:
        return {"faults": [show(entry) for entry in injector.block()], "blocked": True}

    @router.delete("/block", status_code=204)
    def unblock() -> None:
        injector.unblock()

    return router


def _common(injector: Injector, settings: Settings, asked: Iterable[Collector]) -> APIRouter:
    """What every part of the site answers."""
    router = APIRouter()
    metrics = Metrics(settings)
    Gauge("chaos_faults", "Faults that are not over.", registry=metrics.registry).set_function(
        injector.in_force
    )
    Gauge("chaos_blocked", "Whether new faults are refused.", registry=metrics.registry).set_function(
        lambda: injector.blocked
    )
    metrics.registry.register(FaultsInForce(injector.entries))
    for one in asked:
        metrics.registry.register(one)

    @router.get("/-/health")
    @router.get("/-/ready")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/-/info")
    async def info() -> dict[str, Any]:
        place, release = settings.place, settings.release
        return {"service": settings.service, "place": place, "release": release, "pid": os.getpid()}

    @router.get("/metrics")
    async def exposition() -> Response:
        return Response(metrics.expose(), media_type=CONTENT_TYPE)

    return router


def _unknown(identifier: str) -> Problem:
    return Problem(404, "unknown-fault", "There is no such fault", f"no fault has the id {identifier!r}")


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _on_failure(request: Request, error: Exception) -> Response:
    """A refusal, with what the command line needs to say it as its own."""
    assert isinstance(error, Failure)
    slug, status = ("invalid-request", 422) if error.code == USAGE else ("fault-refused", 409)
    problem = Problem(status, slug, "The fault is refused", error.message)
    more = {"next_step": error.next_step, "exit_code": error.code}
    return JSONResponse({**problem.document(), **more}, status, media_type=MEDIA_TYPE)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    wrong = "; ".join(f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors())
    return await _on_failure(request, Failure(wrong, "see: failwhale chaos list", USAGE))
