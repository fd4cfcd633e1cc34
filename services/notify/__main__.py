"""`python -m services.notify` runs the notify service."""

from __future__ import annotations

from fastapi import FastAPI

from services.notify.consumer import Notifier
from services.notify.live import LiveNotifications
from services.notify.routes import router
from services.notify.store import Inbox
from services.platform.app import Site, build
from services.platform.serve import serve
from services.platform.settings import Settings


def application(settings: Settings) -> FastAPI:
    """The notify service as an ASGI application."""

    async def start(site: Site) -> None:
        site.consume(Notifier(inbox))
        site.run_in_background(live.run(), "live streams")

    app = build(settings, [router], on_start=start)
    inbox = Inbox(app.state.site.store)
    live = LiveNotifications(app.state.site.store)
    app.state.inbox, app.state.live = inbox, live
    return app


def main() -> None:
    serve(application)


if __name__ == "__main__":
    main()
