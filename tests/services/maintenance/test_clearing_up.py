"""What is too old leaves the store and the logs, what is not stays, and counters are set right."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from services.maintenance.jobs import rotate_logs
from services.maintenance.jobs.reconcile_counters import ReconcileCounters
from services.maintenance.jobs.rotate_logs import RotateLogs
from services.maintenance.jobs.trim_data import TrimData
from services.platform.ids import first_id_at
from services.platform.keys import DELETED_SECONDS, KEY_KEPT_SECONDS
from services.platform.lab_time import LabTime


def id_of(seconds_ago: float) -> int:
    return first_id_at(int((time.time() - seconds_ago) * 1000))


async def names(context) -> set[str]:
    return {key.decode() async for key in context.store.redis.scan_iter(match="*:*")}


async def remember(context, age: int) -> set[str]:
    """What makes calls repeatable, made so many seconds ago."""
    redis = context.store.redis
    await redis.set(f"idempotency:1:key-{age}", "7 x", ex=KEY_KEPT_SECONDS - age)
    await redis.set(f"deleted:{age}", 1, ex=DELETED_SECONDS - age)
    return {f"idempotency:1:key-{age}", f"deleted:{age}"}


async def test_what_makes_calls_repeatable_is_kept_for_a_lab_day(context):
    context = replace(context, lab=LabTime(100))
    young, _ = await remember(context, 90), await remember(context, 110)
    await context.store.redis.set("idempotency:1:of-a-call", "7 x", ex=30)  # it goes by itself, soon
    await context.store.redis.set("post:1", "a post")
    assert await TrimData().run(context) == "2 entries went"
    assert await names(context) == {*young, "idempotency:1:of-a-call", "post:1"}


async def test_however_short_a_lab_day_is_calls_may_be_repeated_for_a_minute(context):
    context = replace(context, lab=LabTime(0.1))
    young, _ = await remember(context, 50), await remember(context, 70)
    await TrimData().run(context)
    assert await names(context) == young


async def test_notifications_are_kept_for_thirty_lab_days(context):
    key = "notifications:7"
    for age in (290, 310):  # a lab day of ten seconds
        await context.store.redis.zadd(key, {f"{age} seconds old": id_of(age)})
    assert await TrimData().run(context) == "1 entries went"
    assert await context.store.redis.zrange(key, 0, -1) == [b"290 seconds old"]


async def test_all_of_a_large_store_is_looked_at_and_its_size_is_told(context):
    async with context.store.redis.pipeline() as commands:
        for number in range(3000):
            commands.set(f"deleted:{number}", 1, ex=DELETED_SECONDS - 100)
        await commands.execute()
    sizes = await TrimData().measure(context)
    assert sizes["store_keys"] >= 3000
    assert sizes["store_used_memory_bytes"] > 3000 * 50
    assert await TrimData().run(context) == "3000 entries went"
    assert (await TrimData().measure(context))["store_keys"] < 100


async def test_counters_are_set_right_by_the_sets_that_they_count(context):
    redis = context.store.redis
    await redis.hset("post:1", mapping={"author": 9, "likes": 5, "retweets": 1})
    await redis.sadd("likes:1", 10, 11)
    await redis.sadd("retweets:1", 12)
    imported = {"author": 9, "likes": 7, "retweets": 3, "imported-likes": 6, "imported-retweets": 3}
    await redis.hset("post:2", mapping=imported)
    await redis.sadd("likes:2", 10)
    await redis.sadd("followers:9", 10, 11, 12)
    await redis.zadd("popular", {"9": 2, "8": 0})
    done = await ReconcileCounters().run(context)
    assert done == "2 counters set right, of 2 posts and those with most followers"
    assert await redis.hmget("post:1", "likes", "retweets") == [b"2", b"1"]
    assert await redis.hmget("post:2", "likes", "retweets") == [b"7", b"3"]
    assert await redis.zrange("popular", 0, -1, withscores=True) == [(b"8", 0), (b"9", 3)]
    assert (await ReconcileCounters().run(context)).startswith("0 counters")


@pytest.fixture
def logs(context, tmp_path: Path, monkeypatch):
    """A folder of logs, and what jobs work with where it is."""
    monkeypatch.setattr(rotate_logs, "MOST_BYTES", 100)
    folder = tmp_path / "state" / "logs"
    folder.mkdir(parents=True)
    extra = {**context.settings.extra, "FAILWHALE_STATE": str(folder.parent)}
    return folder, replace(context, settings=replace(context.settings, extra=extra))


async def test_a_long_log_is_put_aside_while_its_part_goes_on_writing(logs):
    folder, context = logs
    (folder / "short.log").write_text("a line\n")
    with (folder / "long.log").open("ab", buffering=0) as part:
        part.write(b"before\n" * 100)
        assert await RotateLogs().measure(context) == {"logs_bytes": 707}
        assert await RotateLogs().run(context) == "logs put aside: 1"
        part.write(b"after\n")
    assert (folder / "long.log").read_bytes() == b"after\n"
    assert (folder / "long.log.1").read_bytes() == b"before\n" * 100
    assert {path.name for path in folder.iterdir()} == {"short.log", "long.log", "long.log.1"}


async def test_two_rotations_keep_the_last_so_that_what_is_kept_is_bounded(logs):
    folder, context = logs
    for text in (b"one " * 50, b"two " * 50):
        (folder / "long.log").write_bytes(text)
        await RotateLogs().run(context)
    assert (folder / "long.log.1").read_bytes() == b"two " * 50
    assert (folder / "long.log").read_bytes() == b""


def test_in_containers_there_are_no_log_files_to_look_after(context, logs):
    assert not RotateLogs().is_for(context.settings)
    assert RotateLogs().is_for(logs[1].settings)


async def test_on_a_full_disk_a_log_is_cut_since_nothing_can_be_put_aside(small_disk, context):
    logs = small_disk / "logs"
    logs.mkdir()
    log, former = logs / "post@east.log", logs / "post@east.log.1"
    former.write_bytes(b"former\n" * 100_000)
    log.write_bytes(b"line\n" * 700_000)
    with suppress(OSError), (small_disk / "rest").open("wb") as rest:
        rest.write(bytes(6_000_000))
    settings = replace(context.settings, extra={"FAILWHALE_STATE": str(small_disk)})
    done = await RotateLogs().run(replace(context, settings=settings))
    assert done == "logs put aside: 0; cut, since the disk is full: 1"
    assert sorted(path.name for path in logs.iterdir()) == ["post@east.log"]
    assert log.stat().st_size == 0


async def test_two_parts_do_not_rotate_the_same_logs_at_once(logs):
    folder, context = logs
    (folder / "long.log").write_bytes(b"line\n" * 100)
    with rotate_logs._lock(folder) as ours, rotate_logs._lock(folder) as theirs:
        assert (ours, theirs) == (True, False)
        assert await RotateLogs().run(context) == "another part is about it"
    assert await RotateLogs().run(context) == "logs put aside: 1"
