"""back-up-store: a dump of the store that was loaded again and looked at. One that was not is no backup."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from services.maintenance.backups import all_in, file_name, folder_of
from services.maintenance.dump import dump
from services.maintenance.job import Context, Job, JobFailed
from services.maintenance.trial import loaded
from services.platform.keys import BACKUP_MARK
from services.platform.settings import Address
from services.platform.store import Script

KEPT = 2
"""The newest backups; older ones go."""

LEAST_SHARE = 0.9
"""Of the keys that the store has: what was made meanwhile is not in the dump, nor what has expired."""

_MARK = Script("return redis.call('SET', KEYS[1], ARGV[1])")


class BackUpStore(Job):
    name = "back-up-store"
    every_days = 1.0
    shortest_seconds = 10.0
    grows: ClassVar[Mapping[str, str]] = {
        "backup_age_seconds": "Since the newest backup that was tried out was made.",
        "backups_bytes": "All backups together.",
    }

    async def run(self, context: Context) -> str:
        folder = folder_of(context)
        folder.mkdir(exist_ok=True)
        for unfinished in folder.glob("*.untried"):
            unfinished.unlink()
        mark = secrets.token_hex(8)
        written = await context.store.write(_MARK, (BACKUP_MARK,), (mark,), repeatable=True)
        keys = await context.store.query("DBSIZE")
        source = await _source(context, replicated=written.replicated)
        made = datetime.now(UTC)
        untried = folder / f"{file_name(made)}.untried"
        await dump(source, context.servers.access, untried)
        found = await _try_out(untried, mark, keys)
        backup = untried.with_suffix("")
        untried.rename(backup)
        for old in all_in(folder)[:-KEPT]:
            old.path.unlink()
        size = backup.stat().st_size / 1000
        return f"{found} keys in {size:.0f} kB from {source}, loaded again and looked at"

    async def measure(self, context: Context) -> Mapping[str, float]:
        backups = all_in(folder_of(context))
        if not backups:
            return {"backups_bytes": 0}
        return {
            "backup_age_seconds": max(0.0, time.time() - backups[-1].made),
            "backups_bytes": sum(backup.size for backup in backups),
        }


async def _source(context: Context, *, replicated: bool) -> Address:
    """Whom to ask: a replica that has what was written, so that the primary goes on undisturbed."""
    primary = await context.servers.primary()
    if primary is None:
        raise JobFailed("the sentinels name no primary")
    others = [address for address in context.servers.addresses if address != primary]
    return others[0] if others and replicated else primary


async def _try_out(path: Path, mark: str, keys: int) -> int:
    """Load a dump, and see that it has what was written just before it was made. Returns its keys."""
    async with loaded(path) as client:
        found = int(await client.dbsize())
        if found < LEAST_SHARE * keys:
            raise JobFailed(f"the backup has {found} keys, and the store {keys}")
        if await client.get(BACKUP_MARK) != mark.encode():
            raise JobFailed("the backup has not what was written last before it was made")
        return found
