"""A subscription that ends when its connection does, however the system says so."""

from __future__ import annotations

import asyncio
import errno

import pytest
from redis.exceptions import RedisError

from services.platform.store import Store, channel


async def test_messages_come_also_after_a_quiet_moment(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "QUIET_SECONDS", 0.05)
    async with asyncio.timeout(10), store.redis.pubsub(ignore_subscribe_messages=True) as subscribed:
        await subscribed.subscribe("news")
        messages = channel.messages(subscribed)
        waiting = asyncio.ensure_future(anext(messages))
        while not await store.redis.publish("news", "first"):  # noqa: ASYNC110 - until it is subscribed
            await asyncio.sleep(0.01)
        assert await waiting == b"first"
        waiting = asyncio.ensure_future(anext(messages))
        done, _ = await asyncio.wait([waiting], timeout=0.5)  # ten quiet moments
        assert not done
        await store.redis.publish("news", "second")
        assert await waiting == b"second"


async def test_a_connection_that_the_system_gives_up_ends_the_messages(store: Store) -> None:
    async with asyncio.timeout(10), store.redis.pubsub(ignore_subscribe_messages=True) as subscribed:
        await subscribed.subscribe("news")
        messages = channel.messages(subscribed)
        waiting = asyncio.ensure_future(anext(messages))
        while not await store.redis.publish("news", "first"):  # noqa: ASYNC110 - until it is subscribed
            await asyncio.sleep(0.01)
        await waiting
        gave_up = TimeoutError(errno.ETIMEDOUT, "Connection timed out")
        subscribed.connection._reader.set_exception(gave_up)
        with pytest.raises((RedisError, OSError)):
            await anext(messages)


async def test_who_is_silent_for_too_long_is_gone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "QUIET_SECONDS", 0.05)
    async with asyncio.timeout(10), store.redis.pubsub(ignore_subscribe_messages=True) as subscribed:
        await subscribed.subscribe("news")

        async def unanswered() -> None:
            pass

        monkeypatch.setattr(subscribed, "ping", unanswered)
        with pytest.raises(RedisError, match="nobody answers"):
            await anext(channel.messages(subscribed))
