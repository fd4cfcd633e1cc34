"""`python -m services.post` runs the post service."""

from __future__ import annotations

from fastapi import FastAPI

from services.platform.app import build
from services.platform.ids import worker_of
from services.platform.serve import serve
from services.platform.settings import Settings
from services.platform.worker_ids import WorkerIds
from services.post.blocked import Blocked
from services.post.routes import control, router
from services.post.store import Posts


def application(settings: Settings) -> FastAPI:
    """The post service as an ASGI application."""
    app = build(settings, [router, control])
    site = app.state.site
    app.state.posts = Posts(site.store, WorkerIds(site.store, worker_of("post", settings.place)))
    app.state.blocked = Blocked()
    site.configuration.follow(app.state.blocked.apply)
    return app


def main() -> None:
    serve(application)


if __name__ == "__main__":
    main()
