"""reconcile-counters: likes, retweets and followers are as many as the sets say that they count."""

from __future__ import annotations

import asyncio

from services.maintenance.job import Context, Job
from services.platform.keys import POPULAR
from services.platform.lua import fragment
from services.platform.store import Script

_KEYS_AT_A_TIME = 200

_POSTS = Script(fragment("services.maintenance", "reconcile"))
_POPULAR = Script(fragment("services.maintenance", "reconcile_popular"))


class ReconcileCounters(Job):
    name = "reconcile-counters"
    every_days = 1.0
    shortest_seconds = 5.0

    async def run(self, context: Context) -> str:
        cursor, posts, wrong = b"0", 0, 0
        while True:
            fault = context.faults.of("counters-wrong")
            args = (cursor, _KEYS_AT_A_TIME, fault.fault.by if fault else 0)
            written = await context.store.write(_POSTS, (), args, repeatable=True, replicate=False)
            cursor, seen, mended = written.value
            posts, wrong = posts + seen, wrong + mended
            if cursor == b"0":
                break
            await asyncio.sleep(0)
        written = await context.store.write(_POPULAR, (POPULAR,), (), repeatable=True, replicate=False)
        return f"{wrong + written.value} counters set right, of {posts} posts and those with most followers"
