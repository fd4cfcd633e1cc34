"""A backup that is put back: all of it, at once, and what is not of its moment stays."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from services.maintenance import recreate
from services.maintenance.backups import Backup, all_in, folder_of
from services.maintenance.job import JobFailed
from services.maintenance.jobs.back_up_store import BackUpStore
from services.maintenance.restore import restore
from services.platform.injection.spec import FaultSpec

LARGEST_ID = 2**53 - 1


async def backed_up(context) -> Backup:
    await BackUpStore().run(context)
    return all_in(folder_of(context))[-1]


async def test_the_store_has_again_what_the_backup_has(context, sentinels):
    redis = context.store.redis
    await redis.set("post:1:text", b"\x00\xff bytes")
    await redis.set("used-code:1:2", "", ex=100)
    await redis.hset("post:1", mapping={"body": "{", "likes": 7})
    await redis.sadd("likes:1", *range(2500))
    await redis.zadd("home:1", {"5": LARGEST_ID, "6:1": 1})
    backup = await backed_up(context)
    before = set(sentinels.pair.primary.client.keys("*:*"))
    await redis.unlink("post:1", "home:1")
    await redis.srem("likes:1", 3)
    await redis.set("post:2", "written since")

    done = await restore(context, backup)
    assert done.replicated
    assert done.keys == await redis.dbsize()
    assert await redis.get("post:2") is None
    assert await redis.get("post:1:text") == b"\x00\xff bytes"
    assert await redis.hgetall("post:1") == {b"body": b"{", b"likes": b"7"}
    assert await redis.scard("likes:1") == 2500
    assert await redis.zrange("home:1", 0, -1, withscores=True) == [(b"6:1", 1), (b"5", LARGEST_ID)]
    assert 0 < await redis.ttl("used-code:1:2") <= 100
    assert set(sentinels.pair.primary.client.keys("*:*")) == before
    assert sentinels.pair.replica.client.dbsize() == await redis.dbsize()


async def test_events_and_who_has_handled_them_are_as_they_were(context, sentinels):
    redis = context.store.redis
    first, second, third = [await redis.xadd("events", {"type": f"number {number}"}) for number in range(3)]
    await redis.xgroup_create("events", "timeline", id="0")
    await redis.xgroup_create("events", "notify", id="0")
    await redis.xreadgroup("timeline", "east", {"events": ">"}, count=2)
    await redis.xack("events", "timeline", first)
    await redis.xreadgroup("notify", "east", {"events": ">"})
    await redis.xack("events", "notify", first, second, third)
    await redis.xdel("events", third)
    backup = await backed_up(context)
    sentinels.pair.empty()

    await restore(context, backup)
    info = await redis.xinfo_stream("events")
    assert (info["length"], info["last-generated-id"]) == (2, third)
    timeline = await redis.xreadgroup("timeline", "west", {"events": ">"})
    assert [entry for entry, _ in timeline[0][1]] == [second], "delivered, and never acknowledged"
    assert await redis.xreadgroup("notify", "west", {"events": ">"}) == []


async def test_what_is_not_of_that_moment_stays(context):
    redis = context.store.redis
    await redis.xadd("configuration", {"document": "one"}, id="1-0")
    await redis.zadd("revoked", {"sid-1": 99})
    backup = await backed_up(context)
    await redis.xadd("configuration", {"document": "two"}, id="2-0")
    await redis.zadd("revoked", {"sid-2": 99})

    await restore(context, backup)
    assert await redis.xlen("configuration") == 2
    assert await redis.zcard("revoked") == 2

    await redis.unlink("configuration")
    await restore(context, backup)
    assert await redis.xlen("configuration") == 1, "where the store has none, it is the backup's"


async def test_a_backup_that_is_not_good_touches_nothing(context, monkeypatch):
    redis = context.store.redis
    await redis.set("post:1", "x")
    backup = await backed_up(context)
    whole = backup.path.read_bytes()
    backup.path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(JobFailed, match="cannot be loaded"):
        await restore(context, backup)
    backup.path.write_bytes(whole)
    await redis.unlink("backup-mark")
    await redis.set("post:1", "y")
    monkeypatch.setattr("services.maintenance.restore.BACKUP_MARK", "another")
    with pytest.raises(JobFailed, match="is not what this site has made"):
        await restore(context, backup)
    assert await redis.get("post:1") == b"y"


async def test_what_the_store_refuses_is_not_done_by_half(context, sentinels):
    redis = context.store.redis
    await redis.set("post:1", "x")
    backup = await backed_up(context)
    await redis.set("post:2", "y")
    chaos = sentinels.pair.primary.client
    chaos.execute_command("ACL", "SETUSER", "maintenance", "-pexpire")
    await redis.set("used-code:1:2", "", ex=100)
    soon = await backed_up(context)
    try:
        with pytest.raises(JobFailed, match="the store refuses what the backup has"):
            await restore(context, soon)
        assert await redis.get("post:2") == b"y"
    finally:
        chaos.execute_command("ACL", "SETUSER", "maintenance", "+pexpire")
    await restore(context, backup)
    assert await redis.get("post:2") is None


async def test_where_the_place_is_not_reached_there_is_no_backup_and_none_is_made(context):
    await BackUpStore().run(context)
    context.faults.put("f-1", FaultSpec(kind="backups-unreachable", seconds=60))
    for asked in (BackUpStore().run, BackUpStore().measure):
        with pytest.raises(JobFailed, match="cannot be reached"):
            await asked(context)
    context.faults.remove("f-1")
    assert (await BackUpStore().measure(context))["backups_bytes"] > 0


def test_a_backup_is_told_by_the_name_of_its_file():
    assert Backup.of(Path("store-20261127T085500.250000Z.rdb")).made == 1795769700.25


@pytest.mark.parametrize(("entry", "before"), [(b"5-3", "5-2"), (b"5-0", f"4-{2**64 - 1}")])
def test_what_was_before_an_entry(entry, before):
    assert recreate._before(entry) == before


async def test_what_expires_meanwhile_is_left_out(context):
    redis = context.store.redis
    await redis.set("post:1", "x")
    names = [f"deleted:{number}" for number in range(400)]
    for name in names:
        await redis.set(name, "1", px=1500)
    backup = await backed_up(context)
    done = await restore(context, backup)
    assert done.keys >= 2
    await asyncio.sleep(1.5)
    assert await redis.get("post:1") == b"x"
    assert await redis.exists(*names) == 0
    await restore(context, backup)


async def test_a_key_that_expires_while_it_is_read_is_left_out(context):
    """Between the question what it is and the one what it holds."""
    assert await recreate._string(context.store.redis, b"no-such-key") == []
    assert await recreate._gone(context.store.redis, b"no-such-key") == []


async def test_a_promotion_meanwhile_is_told(context, monkeypatch):
    backup = await backed_up(context)
    addresses = iter([await context.servers.primary(), None])

    async def primary():
        return next(addresses)

    monkeypatch.setattr(context.servers, "primary", primary)
    with pytest.raises(JobFailed, match="another server was promoted"):
        await restore(context, backup)
