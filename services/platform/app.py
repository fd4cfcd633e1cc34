"""The app factory: what every service of the site is, apart from its own routes.

A service is a package with routers and, in `services/NAME/__main__.py`:

    def main() -> None:
        settings = Settings.from_environment()
        run(build(settings, [router], consumers=[FanOut()]), settings)

Its handlers ask for what they need:

    @router.get("/api/v1/posts/{id}", responses=problem_responses(404))
    async def read_post(id: str, site: SiteDep, viewer: OptionalViewer) -> Response: ...

They are `async def` (a plain `def` would run in a thread), raise `Problem` for every answer that is not a success,
and return a Response with finished bytes where speed matters.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request

from services.platform.faultpoints import FaultPoints
from services.platform.metrics import Metrics
from services.platform.protections import Protections
from services.platform.settings import Settings

if TYPE_CHECKING:
    from services.platform.calls import Caller
    from services.platform.events import Consumer, Events
    from services.platform.revocations import Revocations
    from services.platform.store import Store
    from services.platform.tokens import SessionKeys


class Site:
    """What the handlers of a service need, in one object: `app.state.site`, or `SiteDep` in a handler."""

    settings: Settings
    metrics: Metrics
    faults: FaultPoints
    protections: Protections
    store: Store
    events: Events
    calls: Mapping[str, Caller]
    """One caller for each service named by a CALLS_... setting."""
    session_keys: SessionKeys
    revocations: Revocations
    ready_checks: dict[str, Callable[[], Awaitable[None]]]
    """By name: raises when this part of the service cannot serve; asked by GET /-/ready."""

    def run_in_background(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run `work` until the service stops; when it fails that is logged, and the service is no longer ready."""
        raise NotImplementedError


def get_site(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


SiteDep = Annotated[Site, Depends(get_site)]


def build(
    settings: Settings,
    routers: Sequence[APIRouter],
    *,
    consumers: Sequence[Consumer] = (),
    on_start: Callable[[Site], Awaitable[None]] | None = None,
    on_stop: Callable[[Site], Awaitable[None]] | None = None,
) -> FastAPI:
    """A service: its routers on the site's common ground.

    `on_start(site)` runs when the store is there and before the first request; `on_stop(site)` when the last one is
    done. Raises SettingsError when a setting is missing that the service needs.
    """
    raise NotImplementedError
