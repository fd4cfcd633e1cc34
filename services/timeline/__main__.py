"""`python -m services.timeline` runs the timeline service."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware import Middleware

from services.platform.app import Site, build
from services.platform.ids import worker_of
from services.platform.serve import serve
from services.platform.settings import Settings
from services.platform.worker_ids import WorkerIds
from services.timeline.consumer import FanOut
from services.timeline.home import HomePath
from services.timeline.routes import control, router
from services.timeline.store import Timelines


def application(settings: Settings) -> FastAPI:
    """The timeline service as an ASGI application. TIMELINE_CELEBRITY_FOLLOWERS (250) makes celebrities."""

    async def start(site: Site) -> None:
        site.consume(FanOut(timelines))

    app = build(settings, [router, control], on_start=start)
    store = app.state.site.store
    timelines = Timelines(
        store,
        WorkerIds(store, worker_of("timeline", settings.place)),
        settings.integer("TIMELINE_CELEBRITY_FOLLOWERS", 250, at_least=1),
    )
    app.state.timelines = timelines
    app.user_middleware.append(Middleware(HomePath, timelines=timelines, service=app))
    return app


def main() -> None:
    serve(application)


if __name__ == "__main__":
    main()
