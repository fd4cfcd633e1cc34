"""Retweets: once per account and post, counted, undone."""

from __future__ import annotations

import json

import pytest

from services.retweet.__main__ import application

ANN, BOB, EVE = (11, "ann"), (12, "Bob"), (13, "eve")


@pytest.fixture
async def service(start_service):
    return await start_service("retweet", application)


@pytest.fixture
def redis(sentinels, service):
    client = sentinels.pair.primary.client
    for number, name in (ANN, BOB, EVE):
        client.hset(f"account:{number}", mapping={"name": name, "protected": 0})
    client.hset("post:5", mapping={"body": "{}", "author": 11, "likes": 0, "retweets": 0})
    return client


def events(redis):
    return [
        (event[b"type"].decode(), int(event[b"actor"]), json.loads(event[b"json"]))
        for _, event in redis.xrange("events")
    ]


async def test_a_post_is_retweeted_once_by_each(service, redis):
    for user, count in ((BOB, 1), (BOB, 1), (EVE, 2), (ANN, 3)):
        answer = await service.call("PUT", "/posts/5/retweet", user)
        assert answer.json() == {"count": count, "retweeted": True}
    assert redis.hget("post:5", "retweets") == b"3"
    assert [(kind, actor) for kind, actor, _ in events(redis)] == [
        ("retweet.created", actor) for actor in (12, 13, 11)
    ]
    assert events(redis)[0][2] == {"post": "5", "author": "11", "name": "Bob"}
    [(member, entry)] = redis.zrange("posts:12", 0, -1, withscores=True)
    assert member == b"5:12"
    assert redis.zscore("home:12", member) == entry == int(redis.xrange("events")[0][1][b"id"])


async def test_undoing_a_retweet(service, redis):
    await service.call("PUT", "/posts/5/retweet", BOB)
    for _ in range(2):
        assert (await service.call("DELETE", "/posts/5/retweet", BOB)).status_code == 204
    assert (await service.call("GET", "/posts/5/retweets", BOB)).json() == {"count": 0, "retweeted": False}
    assert redis.zcard("posts:12") == redis.zcard("home:12") == 0
    assert [kind for kind, _, _ in events(redis)] == ["retweet.created", "retweet.undone"]


async def test_counts_are_for_everybody(service, redis):
    await service.call("PUT", "/posts/5/retweet", BOB)
    assert (await service.call("GET", "/posts/5/retweets")).json() == {"count": 1, "retweeted": False}
    assert (await service.call("GET", "/posts/5/retweets", BOB)).json() == {"count": 1, "retweeted": True}


async def test_protected_posts_are_retweeted_by_their_author_only(service, redis):
    redis.hset("account:11", "protected", 1)
    redis.sadd("followers:11", 12)
    for user, status in ((BOB, 403), (EVE, 404), (ANN, 200)):
        assert (await service.call("PUT", "/posts/5/retweet", user)).status_code == status
    for user, status in ((BOB, 200), (EVE, 404), (None, 404)):
        assert (await service.call("GET", "/posts/5/retweets", user)).status_code == status
    assert (await service.call("DELETE", "/posts/5/retweet", EVE)).status_code == 404


async def test_a_retweet_of_what_became_protected_can_be_undone(service, redis):
    await service.call("PUT", "/posts/5/retweet", EVE)
    redis.hset("account:11", "protected", 1)
    assert (await service.call("DELETE", "/posts/5/retweet", EVE)).status_code == 204
    assert redis.hget("post:5", "retweets") == b"0"


@pytest.mark.parametrize(("method", "path"), [("PUT", "retweet"), ("DELETE", "retweet"), ("GET", "retweets")])
async def test_posts_that_are_not_there(service, redis, method, path):
    assert (await service.call(method, f"/posts/6/{path}", BOB)).status_code == 404
    assert (await service.call(method, f"/posts/x/{path}", BOB)).status_code == 422


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_retweeting_needs_somebody_signed_in(service, redis, method):
    assert (await service.call(method, "/posts/5/retweet")).status_code == 401
