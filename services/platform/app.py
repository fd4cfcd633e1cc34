"""The app factory: what every service of the site is, apart from its own routes.

A service is a package with routers and, in `services/NAME/__main__.py`:

    def main() -> None:
        settings = Settings.from_environment()
        run(build(settings, [router], consumers=[FanOut()]), settings)

A consumer that needs the site is started by `on_start`, with `site.consume(FanOut(site.store))`.

Its handlers ask for what they need:

    @router.get("/api/v1/posts/{id}", responses=problem_responses(404))
    async def read_post(id: str, site: SiteDep, viewer: OptionalViewer) -> Response: ...

They are `async def` (a plain `def` would run in a thread), raise `Problem` for every answer that is not a
success, and return a Response with finished bytes where speed matters. Routes under `/-/` stay out of the
OpenAPI document and take `dependencies=[ControlToken]`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI

from services.platform import control
from services.platform.access import Access, service_access
from services.platform.control import ControlToken
from services.platform.documents import describe
from services.platform.events.consumer import Consumer
from services.platform.failures import answer_with_problems
from services.platform.injection import from_start
from services.platform.injection.log_flood import flood_log
from services.platform.injection.points import InjectionPoints
from services.platform.injection.strain import strain
from services.platform.intake import Intake
from services.platform.mistaken_identity import mistake_people
from services.platform.route_table import RouteTable
from services.platform.settings import Settings, SettingsError
from services.platform.site import Site, SiteDep
from services.platform.store import Store

__all__ = ["ControlToken", "Site", "SiteDep", "build"]

FIRST_LOOK_SECONDS = 1.0
"""How long a service waits for its configuration, and one that verifies sessions for the list of those that
have ended, before it listens: an address where nobody listens sends people to the other one at once."""

_TAKEN_BACK_SECONDS = 0.1
"""How often it is looked whether a part may start at once after all."""

Hook = Callable[[Site], Awaitable[None]]


def build(
    settings: Settings,
    routers: Sequence[APIRouter],
    *,
    consumers: Sequence[Consumer] = (),
    on_start: Hook | None = None,
    on_stop: Hook | None = None,
    sessions: bool = False,
    more_routes: Iterable[tuple[str, str]] = (),
    store: Store | None = None,
) -> FastAPI:
    """A service: its routers on the site's common ground; the site is `app.state.site`.

    `on_start(site)` runs before the first request, `on_stop(site)` after the last one. `sessions` is for
    those that verify session tokens: `site.revocations` then follows the store, and the service is not ready
    before its first look. `more_routes` are the
    methods and path templates that a layer below answers without a route of the framework; it sets
    `scope["route"]` to something with a `path_format`, by which the request is measured. `store` is used
    instead of that of the settings.

    MAX_IN_FLIGHT (256) bounds the requests at work. Raises SettingsError when a setting is missing.
    """
    faults = InjectionPoints(routes=settings.store_routes)
    faults.on("log-flood", flood_log)
    strain(faults)
    if store is None:
        if not settings.sentinels:
            raise SettingsError("SENTINELS is not set")
        store = Store(
            settings.sentinels,
            settings.store_name,
            settings.replication,
            settings.store_routes,
            _store_access(settings),
            faults,
        )
    site = Site(settings, store, faults)
    mistake_people(site)
    if sessions:

        async def revocations_are_known() -> bool:
            return site.revocations.are_known

        site.ready_checks["list of revoked sessions"] = revocations_are_known

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await _begin_with_faults(settings, faults)
        await store.start()
        site.run_in_background(site.configuration.look_always(), "look at the configuration")
        first_looks = [site.configuration.wait_until_known(FIRST_LOOK_SECONDS)]
        if sessions:
            site.run_in_background(site.revocations.poll(), "poll of revocations")
            site.run_in_background(site.revocations.listen(), "channel of revocations")
            first_looks.append(site.revocations.wait_until_known(FIRST_LOOK_SECONDS))
        await asyncio.gather(*first_looks)
        if on_start is not None:
            await on_start(site)
        for consumer in consumers:
            site.consume(consumer)
        try:
            yield
        finally:
            if on_stop is not None:
                await on_stop(site)
            await site.stop_background()
            for caller in site.calls.values():
                await caller.close()
            await store.close()

    app = FastAPI(
        title=f"failwhale {settings.service}",
        version=settings.release,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # The site measures itself. To look for OpenTelemetry costs every request some microseconds.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.site = site
    # Not by include_router: that looks each request up twice, which costs 15 us.
    routes = [*chain.from_iterable(router.routes for router in (*routers, control.router, control.guarded))]
    app.router.routes.extend(routes)
    table = RouteTable(routes, more_routes)
    answer_with_problems(app, table.allowed)
    app.add_middleware(
        Intake,
        metrics=site.metrics,
        faults=site.faults,
        protections=site.protections,
        max_in_flight=settings.integer("MAX_IN_FLIGHT", 256, at_least=1),
        route_of=table.template,
    )
    document: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not document:
            document.update(describe(app))
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's way to another document
    return app


def _store_access(settings: Settings) -> Access:
    try:
        return service_access(settings.secrets)
    except OSError as error:
        raise SettingsError(f"SECRETS: no password of the store: {error}") from None


async def _begin_with_faults(settings: Settings, faults: InjectionPoints) -> None:
    """Set what this part was told to begin with, after the wait that is one of them and may be taken back."""
    folder = settings.extra.get("RELEASES")
    if not folder:
        return
    began = time.monotonic()
    while True:
        told = from_start.told(Path(folder), settings.name)
        waits = [fault.delay for fault in told.values() if fault.kind == "slow-start"]
        if time.monotonic() - began >= max(waits, default=0.0):
            break
        await asyncio.sleep(_TAKEN_BACK_SECONDS)
    for identifier, fault in told.items():
        faults.put(identifier, fault)
