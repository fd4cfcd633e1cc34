"""`python -m services.auth` runs the auth service."""

from __future__ import annotations

from fastapi import FastAPI

from services.auth.passwords import Passwords
from services.auth.routes import control, router
from services.auth.service import Auth
from services.auth.store import Accounts
from services.platform.app import Site, build
from services.platform.ids import worker_of
from services.platform.serve import serve
from services.platform.settings import Settings
from services.platform.worker_ids import WorkerIds


def application(settings: Settings) -> FastAPI:
    """The auth service as an ASGI application.

    Settings: AUTH_SESSION_SECONDS (a week) and AUTH_CHALLENGE_SECONDS (300); AUTH_ARGON2_TIME_COST (1) and
    AUTH_ARGON2_MEMORY_KIB (7168), some 5 ms a login, because this is a lab; AUTH_ARGON2_THREADS (2).
    """

    async def stop(_: Site) -> None:
        passwords.close()

    app = build(settings, [router, control], on_stop=stop)
    passwords = Passwords(
        time_cost=settings.integer("AUTH_ARGON2_TIME_COST", 1, at_least=1),
        memory_kib=settings.integer("AUTH_ARGON2_MEMORY_KIB", 7 * 1024, at_least=8),
        threads=settings.integer("AUTH_ARGON2_THREADS", 2, at_least=1),
    )
    site: Site = app.state.site
    site.faults.on("threads", passwords.occupy)
    accounts = Accounts(site.store, WorkerIds(site.store, worker_of("auth", settings.place)))
    app.state.accounts = accounts
    app.state.auth = Auth(
        site,
        accounts,
        passwords,
        session_seconds=settings.number("AUTH_SESSION_SECONDS", 7 * 86400.0, at_least=1),
        challenge_seconds=settings.number("AUTH_CHALLENGE_SECONDS", 300.0, at_least=1),
    )
    return app


def main() -> None:
    serve(application)


if __name__ == "__main__":
    main()
