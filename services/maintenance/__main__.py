"""`python -m services.maintenance` runs the maintenance service."""

from __future__ import annotations

import asyncio

from fastapi import FastAPI

from services.maintenance.job import Context
from services.maintenance.jobs.reconcile_counters import ReconcileCounters
from services.maintenance.lead import Lead
from services.maintenance.metrics import JobMetrics
from services.maintenance.routes import router
from services.maintenance.runner import Runner
from services.maintenance.schedule import SCHEDULE
from services.maintenance.servers import Servers
from services.platform.app import Site, build
from services.platform.injection.applied import AppliedFault
from services.platform.lab_time import LabTime
from services.platform.serve import serve
from services.platform.settings import Settings
from services.platform.store import Store


def application(settings: Settings) -> FastAPI:
    """The maintenance service as an ASGI application. Raises SettingsError."""
    servers = Servers.of(settings)
    lab = LabTime.from_environment(settings.extra)
    store = Store(
        settings.sentinels, settings.store_name, settings.replication, settings.store_routes, servers.access
    )

    async def start(site: Site) -> None:
        site.run_in_background(runner.run(), "runner of jobs")

    async def stop(_: Site) -> None:
        await servers.close()

    app = build(settings, [router], on_start=start, on_stop=stop, store=store)
    site: Site = app.state.site
    context = Context(settings, lab, store, servers, site.metrics, site.faults)
    runner = Runner(SCHEDULE, context, Lead(store, settings.name), site.faults)
    site.metrics.registry.register(JobMetrics(runner, lab.day_seconds))
    app.state.runner = runner
    app.state.context = context

    async def count_wrong(_: AppliedFault) -> None:
        """The job is done at once when the fault begins, and again when it has ended."""
        runner.want_now(ReconcileCounters.name)
        try:
            await asyncio.Event().wait()
        finally:
            runner.want_now(ReconcileCounters.name)

    site.faults.on("counters-wrong", count_wrong)
    return app


def main() -> None:
    serve(application)


if __name__ == "__main__":
    main()
