"""`python -m services.retweet` runs the retweet service."""

from __future__ import annotations

from fastapi import FastAPI

from services.platform.app import build
from services.platform.ids import worker_of
from services.platform.serve import serve
from services.platform.settings import Settings
from services.platform.worker_ids import WorkerIds
from services.retweet.routes import router
from services.retweet.store import Retweeting


def application(settings: Settings) -> FastAPI:
    """The retweet service as an ASGI application."""
    app = build(settings, [router])
    store = app.state.site.store
    app.state.retweeting = Retweeting(store, WorkerIds(store, worker_of("retweet", settings.place)))
    return app


def main() -> None:
    serve(application)


if __name__ == "__main__":
    main()
