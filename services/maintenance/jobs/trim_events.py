"""trim-events: the event log keeps what a group has not handled, and a little more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from services.maintenance.job import Context, Job
from services.platform.events.log import GROUPS_LUA
from services.platform.keys import EVENTS, EVENTS_KEPT, EVENTS_KEPT_DAYS
from services.platform.lua import fragment
from services.platform.store import Script

_TRIM = Script(GROUPS_LUA + fragment("services.maintenance", "trim_events"))


class TrimEvents(Job):
    name = "trim-events"
    every_days = 1 / 1440
    grows: ClassVar[Mapping[str, str]] = {"event_log_entries": "Entries of the event log."}

    async def run(self, context: Context) -> str:
        bounds = (EVENTS_KEPT, int(context.lab.seconds(EVENTS_KEPT_DAYS) * 1000))
        written = await context.store.write(_TRIM, (EVENTS,), bounds, repeatable=True, replicate=False)
        return f"{written.value} entries went"

    async def measure(self, context: Context) -> Mapping[str, float]:
        return {"event_log_entries": await context.store.query("XLEN", EVENTS)}
