"""trim-data: what nobody needs any more leaves the store before its time, in lab days."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import ClassVar

from services.maintenance.job import Context, Job, JobFailed
from services.maintenance.servers import ask
from services.platform.ids import first_id_at
from services.platform.keys import DELETED_SECONDS, KEY_KEPT_SECONDS, REVOKED
from services.platform.lua import fragment
from services.platform.revocations import KEPT_SECONDS
from services.platform.store import Script

REPEATABLE_DAYS = 1.0
"""For so long the answer to a call is remembered, so that it may be repeated."""

NOTIFICATIONS_KEPT_DAYS = 30.0

SHORTEST_SECONDS = 60.0
"""Whatever a lab day takes, people repeat calls and read notifications in real time."""

_KEYS_AT_A_TIME = 500
"""One look of the scan takes less than a millisecond, in which the store does nothing else."""

_TRIM = Script(fragment("services.maintenance", "trim_data"))
_TRIM_REVOKED = Script("return redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[1])")


class TrimData(Job):
    name = "trim-data"
    every_days = 1 / 2
    shortest_seconds = 5.0
    grows: ClassVar[Mapping[str, str]] = {
        "store_keys": "Keys in the store.",
        "store_used_memory_bytes": "Memory that the primary of the store uses.",
    }

    async def run(self, context: Context) -> str:
        now = time.time()
        repeatable = max(SHORTEST_SECONDS, context.lab.seconds(REPEATABLE_DAYS))
        shown = max(SHORTEST_SECONDS, context.lab.seconds(NOTIFICATIONS_KEPT_DAYS))
        bounds = (
            int(repeatable),
            KEY_KEPT_SECONDS,
            DELETED_SECONDS,
            first_id_at(int((now - shown) * 1000)),
        )
        cursor, gone = b"0", 0
        while True:
            args = (cursor, _KEYS_AT_A_TIME, *bounds)
            written = await context.store.write(_TRIM, (), args, repeatable=True, replicate=False)
            cursor, _, went = written.value
            gone += went
            if cursor == b"0":
                break
            await asyncio.sleep(0)
        ended = await context.store.write(
            _TRIM_REVOKED, (REVOKED,), (now - KEPT_SECONDS,), repeatable=True, replicate=False
        )
        return f"{gone + ended.value} entries went"

    async def measure(self, context: Context) -> Mapping[str, float]:
        primary = await context.servers.primary()
        if primary is None:
            raise JobFailed("the sentinels name no primary")
        async with context.servers.connected(primary) as connection:
            keys = await ask(connection, "DBSIZE")
            memory = await ask(connection, "INFO", "memory")
        used = next(line for line in memory.decode().splitlines() if line.startswith("used_memory:"))
        return {"store_keys": keys, "store_used_memory_bytes": int(used.partition(":")[2])}
