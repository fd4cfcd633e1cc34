"""A backup is a dump that was loaded again, from the replica where there is one; no other is kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import redis

from services.maintenance.dump import dump
from services.maintenance.job import JobFailed
from services.maintenance.jobs import back_up_store
from services.maintenance.jobs.back_up_store import BackUpStore
from services.maintenance.trial import loaded


def backups(context) -> list[Path]:
    return sorted((context.settings.folder("MAINTENANCE") / "backups").iterdir())


async def test_a_backup_has_what_the_store_has_and_comes_from_the_replica(context, sentinels):
    await context.store.redis.mset({f"post:{number}": os.urandom(3000).hex() for number in range(300)})
    before = sentinels.pair.primary.client.info("stats")["sync_full"]
    done = await BackUpStore().run(context)
    assert f"from {sentinels.pair.replica.address}, loaded again" in done
    assert sentinels.pair.primary.client.info("stats")["sync_full"] == before
    (backup,) = backups(context)
    async with loaded(backup) as client:
        assert await client.get("post:7") == await context.store.redis.get("post:7")
        assert await client.dbsize() == await context.store.redis.dbsize()
    sizes = await BackUpStore().measure(context)
    assert sizes["backups_bytes"] == backup.stat().st_size > 300 * 3000
    assert 0 <= sizes["backup_age_seconds"] < 60


async def test_the_newest_are_kept(context):
    seen = []
    for _ in range(back_up_store.KEPT + 1):
        await BackUpStore().run(context)
        seen.append(backups(context)[-1])
    assert backups(context) == seen[-back_up_store.KEPT :]


async def test_a_dump_that_lacks_what_was_written_last_is_no_backup(context, monkeypatch):
    async def old_dump(source, access, path):
        await context.store.redis.set("backup-mark", "of an earlier one")
        await dump(sentinel_primary(context), access, path)

    def sentinel_primary(context):
        return context.servers.addresses[0]

    monkeypatch.setattr(back_up_store, "dump", old_dump)
    with pytest.raises(JobFailed, match="has not what was written last"):
        await BackUpStore().run(context)
    assert [path.suffix for path in backups(context)] == [".untried"]
    assert await BackUpStore().measure(context) == {"backups_bytes": 0}
    monkeypatch.undo()
    await BackUpStore().run(context)
    assert [path.suffix for path in backups(context)] == [".rdb"]


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty"])
async def test_a_damaged_dump_cannot_be_loaded_and_that_is_said(context, tmp_path, damage):
    await context.store.redis.mset({f"post:{number}": "x" * 1000 for number in range(100)})
    path = tmp_path / "some.rdb"
    await dump(context.servers.addresses[0], context.servers.access, path)
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 0xFF
    path.write_bytes({"cut": content[: len(content) // 2], "empty": b""}.get(damage, content))
    with pytest.raises(JobFailed, match="cannot be loaded"):
        async with loaded(path):
            pass


async def test_who_serves_may_not_take_a_dump(context, tmp_path, sentinels):
    with pytest.raises(JobFailed, match="refuses REPLCONF"):
        await dump(context.servers.addresses[0], sentinels.access, tmp_path / "stolen.rdb")
    assert not (tmp_path / "stolen.rdb").exists()
    with pytest.raises(redis.exceptions.NoPermissionError):
        await context.store.redis.execute_command("PSYNC", "?", "-1")
