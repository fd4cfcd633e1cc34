"""Notifications: made from events, listed, counted, read."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.notify.__main__ import application
from services.notify.consumer import Notifier
from services.platform.events.log import Event
from services.platform.ids import created_at

ANN, BOB, EVE = (11, "ann"), (12, "Bob"), (13, "eve")
BASE = 115_292_150_460_684


@pytest.fixture
async def service(start_service):
    return await start_service("notify", application)


@pytest.fixture
def redis(sentinels, service):
    client = sentinels.pair.primary.client
    add_post(client)
    return client


def add_post(redis):
    redis.hset("post:5", mapping={"body": "{}", "author": 12, "likes": 0, "retweets": 0})


def mention(number, *accounts):
    return Event(BASE + number, "post.created", 12, {"post": "5", "name": "Bob", "mentions": [*accounts]})


ALL_KINDS = [
    mention(1, "11"),
    Event(BASE + 2, "post.liked", 12, {"post": "5", "author": "11", "name": "Bob"}),
    Event(BASE + 3, "retweet.created", 13, {"post": "5", "author": "11", "name": "eve"}),
    Event(BASE + 4, "user.followed", 12, {"user": "11", "name": "Bob"}),
    Event(BASE + 5, "follow.requested", 13, {"user": "11", "name": "eve"}),
]


async def notifications(service, user, **query):
    return (await service.call("GET", "/notifications", user, params=query)).json()


async def unread(service, user):
    return (await service.call("GET", "/notifications/unread", user)).json()["count"]


async def test_each_kind_says_who_did_what(service, redis):
    notifier = Notifier(service.app.state.inbox)
    for event in ALL_KINDS:
        await notifier.handle(event)
    items = (await notifications(service, ANN))["items"]
    assert [item["kind"] for item in items] == ["follow-request", "follow", "retweet", "like", "mention"]
    assert items[-1] == {
        "id": str(BASE + 1),
        "kind": "mention",
        "actor": {"id": "12", "name": "Bob"},
        "post": "5",
        "created": created_at(BASE + 1),
    }
    assert "post" not in items[0]


async def test_events_become_notifications(service, redis):
    event = {"id": BASE, "type": "user.followed", "actor": 12, "json": '{"user":"11","name":"Bob"}'}
    redis.xadd("events", event)
    end = time.monotonic() + 5
    while await unread(service, ANN) == 0:
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(ALL_KINDS), max_size=12))
async def test_an_event_that_comes_again_changes_nothing(service, redis, events):
    redis.flushall()
    add_post(redis)
    notifier = Notifier(service.app.state.inbox)
    for event in events:
        await notifier.handle(event)
    wanted = sorted({str(event.id) for event in events}, reverse=True)
    assert [item["id"] for item in (await notifications(service, ANN))["items"]] == wanted


async def test_nobody_is_notified_of_what_they_did_themselves(service, redis):
    notifier = Notifier(service.app.state.inbox)
    await notifier.handle(mention(1, "12", "11"))
    await notifier.handle(Event(BASE + 2, "post.liked", 12, {"post": "5", "author": "12", "name": "Bob"}))
    assert await unread(service, BOB) == 0
    assert await unread(service, ANN) == 1


async def test_a_mention_is_for_those_who_may_see_the_post(service, redis):
    redis.hset("account:12", "protected", 1)
    redis.sadd("followers:12", 11)
    await Notifier(service.app.state.inbox).handle(mention(1, "11", "13"))
    assert [await unread(service, user) for user in (ANN, EVE)] == [1, 0]


async def test_a_post_that_is_gone_is_not_worth_a_notification(service, redis):
    redis.delete("post:5")
    await Notifier(service.app.state.inbox).handle(mention(1, "11"))
    assert await unread(service, ANN) == 0


async def test_what_was_read_stays_read(service, redis):
    notifier = Notifier(service.app.state.inbox)
    for event in ALL_KINDS:
        await notifier.handle(event)
    assert await unread(service, ANN) == 5
    for up_to, left in ((BASE + 2, 3), (BASE + 1, 3), (2**53, 0)):
        answer = await service.call("PUT", "/notifications/read", ANN, json={"up_to": str(up_to)})
        assert answer.status_code == 204
        assert await unread(service, ANN) == left
    await notifier.handle(mention(9, "11"))
    assert await unread(service, ANN) == 1


async def test_pages_together_are_the_whole(service, redis):
    notifier = Notifier(service.app.state.inbox)
    for number in range(23):
        await notifier.handle(mention(number, "11"))
    seen, cursor = [], {}
    while cursor is not None:
        page = await notifications(service, ANN, limit=7, **cursor)
        seen += [int(item["id"]) - BASE for item in page["items"]]
        cursor = {"cursor": page["next"]} if page["next"] else None
    assert seen == list(range(22, -1, -1))


@pytest.mark.parametrize("body", [{}, {"up_to": 5}, {"up_to": "x"}, {"up_to": "1", "more": 1}])
async def test_malformed_bodies(service, body):
    assert (await service.call("PUT", "/notifications/read", ANN, json=body)).status_code == 422


@pytest.mark.parametrize("path", ["/notifications", "/notifications/unread", "/notifications/stream"])
async def test_all_of_it_needs_somebody_signed_in(service, path):
    assert (await service.call("GET", path)).status_code == 401


async def test_an_unknown_cursor(service):
    answer = await service.call("GET", "/notifications", ANN, params={"cursor": "x"})
    assert json.loads(answer.content)["type"].endswith("/unknown-cursor")
