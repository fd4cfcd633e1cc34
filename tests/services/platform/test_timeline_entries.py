"""The maker's own timelines, as scripts of other services than timeline write them."""

from __future__ import annotations

from services.platform.keys import TIMELINE_KEPT
from services.platform.store import Script
from services.platform.timeline_entries import OWN_TIMELINES

ENTER = Script(OWN_TIMELINES + "enter_own_timelines(ARGV[1], ARGV[2], ARGV[3])")
LEAVE = Script(OWN_TIMELINES + "leave_own_timelines(ARGV[1], ARGV[2])")


async def test_an_entry_comes_to_and_leaves_both_timelines_of_its_maker(store, sentinels):
    redis = sentinels.pair.primary.client
    await store.write(ENTER, (), ("11", "5:11", "9"))
    for key in ("posts:11", "home:11"):
        assert redis.zrange(key, 0, -1, withscores=True) == [(b"5:11", 9)]
    await store.write(LEAVE, (), ("11", "5:11"))
    assert redis.keys("*:11") == []


async def test_the_oldest_entry_goes_when_there_are_too_many(store, sentinels):
    redis = sentinels.pair.primary.client
    for key in ("posts:11", "home:11"):
        redis.zadd(key, {str(number): number for number in range(1, TIMELINE_KEPT + 1)})
    await store.write(ENTER, (), ("11", "5000", "5000"))
    for key in ("posts:11", "home:11"):
        assert redis.zcard(key) == TIMELINE_KEPT
        assert redis.zrange(key, 0, 0) == [b"2"]
        assert redis.zrange(key, -1, -1) == [b"5000"]
