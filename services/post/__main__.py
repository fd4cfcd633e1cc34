"""`python -m services.post` runs the post service."""

from __future__ import annotations

from fastapi import FastAPI

from services.platform.app import build
from services.platform.ids import Snowflakes, worker_of
from services.platform.serve import run
from services.platform.settings import Settings
from services.post.routes import control, router
from services.post.store import Posts


def application(settings: Settings) -> FastAPI:
    """The post service as an ASGI application."""
    app = build(settings, [router, control])
    app.state.posts = Posts(app.state.site.store, Snowflakes(worker_of("post", settings.place)))
    return app


def main() -> None:
    settings = Settings.from_environment()
    run(application(settings), settings)


if __name__ == "__main__":
    main()
