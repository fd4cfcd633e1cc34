"""What proofs of faults ask the store for, of a real one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis

from foundation.failure import Failure
from testbed.event_log import EventLog, Skipped
from testbed.inventory import Inventory, Part
from testbed.stored_content import ProtectedPost, StoredContent, WrongCount

STORE = Part("store@east", "store", "east", "store-east", "6379", {}, "store")


class Stored(EventLog, StoredContent):
    """Of a site whose only part is a store."""

    def __init__(self, client: redis.Redis | None) -> None:
        self.inventory = Inventory((STORE,), {})
        self._client = client

    def ask_redis(self, part: Part, *command: str | bytes, patience: float = 0.5) -> Any:
        if self._client is None:
            return None
        self._client.response_callbacks.clear()
        return self._client.execute_command(*command)


@pytest.fixture
def stored(sentinels: Any, store: Any) -> Stored:
    return Stored(sentinels.pair.primary.client)


async def test_nothing_is_found_without_a_store_and_in_an_empty_one(stored: Stored) -> None:
    for one in (stored, Stored(None)):
        assert list(one.accounts_with("posts")) == []
        assert one.protected_post() is None
        assert one.wrongly_counted() is None
    assert Stored(None).group_now("fan-out") is None
    with pytest.raises(Failure, match="no store takes writes"):
        Stored(None).append_event("post.liked", "{}", "f-1")


async def test_the_event_that_was_tried_most_often_is_skipped_into_the_dead_letters(
    stored: Stored, store: Any
) -> None:
    redis = store.redis
    entries = [await redis.xadd("events", {"id": n, "type": "post.liked", "json": "{}"}) for n in range(3)]
    for group in ("notifications", "fan-out"):
        await redis.xgroup_create("events", group, 0)
    assert stored.skip_event("notifications", 3, "anna") is None
    await redis.xreadgroup("notifications", "notify@east", {"events": ">"})
    for _ in range(2):
        await redis.xclaim("events", "notifications", "notify@west", 0, [entries[0]])
    for _ in range(4):
        await redis.xclaim("events", "notifications", "notify@west", 0, [entries[1]])
    assert stored.skip_event("fan-out", 3, "anna") is None
    assert stored.skip_event("notifications", 6, "anna") is None
    assert stored.skip_event("notifications", 3, "anna") == Skipped(entries[1].decode(), "post.liked", 5)
    ((_, dead),) = await redis.xrange("events-dead")
    assert dead == {
        b"id": b"1",
        b"type": b"post.liked",
        b"json": b"{}",
        b"group": b"notifications",
        b"error": b"skipped by anna",
        b"entry": entries[1],
    }
    left = await redis.xpending_range("events", "notifications", "-", "+", 10)
    assert [one["message_id"] for one in left] == [entries[0], entries[2]]


async def test_who_has_something(stored: Stored, store: Any) -> None:
    await store.redis.zadd("posts:11", {"5": 5})
    await store.redis.zadd("notifications:12", {"6": 6})
    assert list(stored.accounts_with("posts")) == [11]
    assert list(stored.accounts_with("notifications")) == [12]


async def test_a_protected_post_is_one_of_who_protects_and_no_retweet(stored: Stored, store: Any) -> None:
    await store.redis.hset("account:11", mapping={"name": "ann", "protected": 0})
    await store.redis.zadd("posts:11", {"5": 5})
    await store.redis.hset("account:12", mapping={"name": "bob", "protected": 1})
    await store.redis.zadd("posts:12", {"5:12": 7})
    assert stored.protected_post() is None
    await store.redis.zadd("posts:12", {"6": 6})
    assert stored.protected_post() == ProtectedPost("6", "bob")


async def test_a_post_is_counted_right_with_what_was_imported(stored: Stored, store: Any) -> None:
    await store.redis.sadd("likes:1", 11, 12)
    await store.redis.hset("post:1", mapping={"likes": 5, "imported-likes": 3})
    assert stored.wrongly_counted() is None
    await store.redis.hset("post:1", "likes", 6)
    assert stored.wrongly_counted() == WrongCount("1", 6, 5)


async def test_how_far_a_group_is(stored: Stored, store: Any) -> None:
    for _ in range(2):
        stored.append_event("post.liked", "{}", "f-1")
    assert await store.redis.xlen("events") == 1, "once for each fault"
    assert stored.group_now("fan-out") is None, "there is no such group"
    await store.redis.xgroup_create("events", "fan-out", "0")
    await asyncio.sleep(0.02)
    waiting = stored.group_now("fan-out")
    assert waiting is not None
    assert (waiting.waits >= 0.02, waiting.cut_off, waiting.taken) == (True, 0.0, {})

    await store.redis.xreadgroup("fan-out", "timeline@east", {"events": ">"})
    await store.redis.xautoclaim("events", "fan-out", "timeline@west", 0)
    await asyncio.sleep(0.02)
    taken = stored.group_now("fan-out")
    assert taken is not None
    assert taken.waits == 0
    assert taken.idle.keys() == {"timeline@east", "timeline@west"}
    (pending,) = taken.taken.items()
    assert (pending[0], pending[1].deliveries) == ("timeline@west", 2)
    assert pending[1].age >= pending[1].held >= 0.02

    for by in ("f-2", "f-3"):
        stored.append_event("post.liked", "{}", by)
        await asyncio.sleep(0.002)
    await store.redis.xtrim("events", maxlen=1, approximate=False)
    cut = stored.group_now("fan-out")
    assert cut is not None
    assert cut.cut_off > 0
