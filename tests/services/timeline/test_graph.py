"""The follow graph: follow, ask, approve, deny, remove; profiles and lists."""

from __future__ import annotations

import json

import pytest

from services.timeline.__main__ import application

ANN, BOB, EVE = (11, "ann"), (12, "Bob"), (13, "eve")


@pytest.fixture
async def service(start_service):
    return await start_service("timeline", application, TIMELINE_CELEBRITY_FOLLOWERS="2")


@pytest.fixture
def redis(sentinels, service):
    client = sentinels.pair.primary.client
    for number, name in (ANN, BOB, EVE):
        client.hset(f"account:{number}", mapping={"name": name, "protected": 0})
        client.set(f"handle:{name.lower()}", number)
    return client


def event_types(redis):
    return [fields[b"type"].decode() for _, fields in redis.xrange("events")]


async def state(service, viewer, name):
    return (await service.call("GET", f"/users/{name}", viewer)).json()["state"]


async def names(service, viewer, path):
    return [item["name"] for item in (await service.call("GET", path, viewer)).json()["items"]]


async def test_following_and_unfollowing(service, redis):
    for _ in range(2):
        assert (await service.call("PUT", "/users/BOB/follow", ANN)).json() == {"state": "following"}
    profile = (await service.call("GET", "/users/bob", ANN)).json()
    assert profile == {
        "id": "12",
        "name": "Bob",
        "protected": False,
        "followers": 1,
        "following": 0,
        "posts": 0,
        "state": "following",
    }
    assert await names(service, None, "/users/bob/followers") == ["ann"]
    assert await names(service, None, "/users/ann/following") == ["Bob"]
    for _ in range(2):
        assert (await service.call("DELETE", "/users/bob/follow", ANN)).status_code == 204
    assert await state(service, ANN, "bob") == "none"
    assert await state(service, BOB, "bob") == "self"
    assert event_types(redis) == ["user.followed", "user.unfollowed"]


async def test_nobody_follows_themselves_or_nobody(service, redis):
    assert (await service.call("PUT", "/users/ann/follow", ANN)).status_code == 422
    assert (await service.call("PUT", "/users/nobody/follow", ANN)).status_code == 404
    assert (await service.call("DELETE", "/users/nobody/follow", ANN)).status_code == 404
    assert (await service.call("GET", "/users/nobody", ANN)).status_code == 404


async def test_a_protected_account_is_asked(service, redis):
    redis.hset("account:11", "protected", 1)
    for viewer in (BOB, EVE):
        for _ in range(2):
            assert (await service.call("PUT", "/users/ann/follow", viewer)).json() == {"state": "requested"}
    assert await state(service, BOB, "ann") == "requested"
    assert await names(service, ANN, "/me/follow-requests") == ["eve", "Bob"]

    for _ in range(2):
        assert (await service.call("PUT", "/me/follow-requests/bob", ANN)).status_code == 204
    for _ in range(2):
        assert (await service.call("DELETE", "/me/follow-requests/eve", ANN)).status_code == 204
    assert (await service.call("PUT", "/me/follow-requests/eve", ANN)).status_code == 404
    assert (await service.call("DELETE", "/me/follow-requests/bob", ANN)).status_code == 404
    assert (await service.call("DELETE", "/me/follow-requests/nobody", ANN)).status_code == 404
    assert [await state(service, viewer, "ann") for viewer in (BOB, EVE)] == ["following", "none"]
    assert await names(service, ANN, "/me/follow-requests") == []
    assert event_types(redis) == ["follow.requested", "follow.requested", "follow.approved"]


async def test_the_lists_and_the_timeline_of_a_protected_account_are_for_its_followers(service, redis):
    redis.hset("account:11", "protected", 1)
    redis.sadd("followers:11", 12)
    for path in ("/users/ann/followers", "/users/ann/following", "/timelines/users/ann"):
        for viewer, status in ((ANN, 200), (BOB, 200), (EVE, 404), (None, 404)):
            assert (await service.call("GET", path, viewer)).status_code == status
    assert (await service.call("GET", "/users/ann", EVE)).json()["protected"] is True


async def test_a_follower_can_be_removed(service, redis):
    await service.call("PUT", "/users/ann/follow", BOB)
    assert (await service.call("DELETE", "/me/followers/bob", ANN)).status_code == 204
    assert await state(service, BOB, "ann") == "none"


async def test_a_request_can_be_taken_back(service, redis):
    redis.hset("account:11", "protected", 1)
    await service.call("PUT", "/users/ann/follow", BOB)
    assert (await service.call("DELETE", "/users/ann/follow", BOB)).status_code == 204
    assert await names(service, ANN, "/me/follow-requests") == []


async def test_lists_are_paged(service, redis):
    for number in range(20, 45):
        redis.hset(f"account:{number}", "name", f"fan{number}")
        redis.sadd("followers:11", number)
    seen, cursor = [], None
    while True:
        query = "?limit=10" + (f"&cursor={cursor}" if cursor else "")
        page = (await service.call("GET", f"/users/ann/followers{query}", BOB)).json()
        assert len(page["items"]) <= 10
        seen += [int(item["id"]) for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == list(range(44, 19, -1))


async def test_following_brings_the_newest_entries_and_unfollowing_takes_them_away(service, redis):
    redis.zadd("posts:12", {str(number): number for number in range(100, 130)})
    redis.zadd("posts:12", {"50:12": 200})
    redis.zadd("home:11", {"7": 7})
    await service.call("PUT", "/users/bob/follow", ANN)
    assert redis.zrange("home:11", 0, -1) == [b"7", *(b"%d" % n for n in range(111, 130)), b"50:12"]
    await service.call("DELETE", "/users/bob/follow", ANN)
    assert redis.zrange("home:11", 0, -1) == [b"7"]


async def test_unfollowing_takes_away_also_what_the_author_posted_long_ago(service, redis):
    redis.hset("post:5", mapping={"body": "{}", "author": 12, "likes": 0, "retweets": 0})
    await service.call("PUT", "/users/bob/follow", ANN)
    redis.zadd("home:11", {"5": 5, "7": 7})  # bob's own timeline was trimmed since
    await service.call("DELETE", "/users/bob/follow", ANN)
    assert redis.zrange("home:11", 0, -1) == [b"7"]


async def test_whom_many_follow_is_suggested(service, redis):
    assert await names(service, ANN, "/me/suggestions") == []
    dan = (14, "dan")
    redis.hset("account:14", mapping={"name": "dan", "protected": 1})
    redis.set("handle:dan", 14)
    await service.call("PUT", "/users/eve/follow", BOB)
    await service.call("PUT", "/users/eve/follow", dan)
    await service.call("PUT", "/users/bob/follow", dan)
    assert await names(service, ANN, "/me/suggestions") == ["eve", "Bob"]
    assert await names(service, ANN, "/me/suggestions?limit=1") == ["eve"]
    assert await names(service, EVE, "/me/suggestions") == ["Bob"], "nobody is suggested to themselves"
    await service.call("PUT", "/users/eve/follow", ANN)
    assert await names(service, ANN, "/me/suggestions") == ["Bob"], "nor whom they follow"
    for follower in (ANN, BOB, dan):
        await service.call("DELETE", "/users/eve/follow", follower)
    await service.call("PUT", "/users/ann/follow", EVE)
    assert (await names(service, dan, "/me/suggestions"))[-1] == "eve", "whom nobody follows any more is last"
    redis.hset("account:12", "protected", 1)
    assert await names(service, ANN, "/me/suggestions") == ["eve"], (
        "who is protected does not want to be found"
    )


async def test_the_most_followed_are_kept_and_no_others(service, redis):
    redis.zadd("popular", {str(1000 + n): 50 for n in range(100)})
    await service.call("PUT", "/users/bob/follow", ANN)
    assert redis.zcard("popular") == 100
    assert redis.zscore("popular", 12) is None


async def test_bulk_import_loads_the_graph_then_timelines(service, redis):
    lines = [
        {"user": "11", "following": ["12", "13"]},
        {"user": "12", "following": ["13"]},
        {"author": "12", "posts": ["101", "102"]},
        {"author": "13", "posts": ["103"]},
    ]
    token = {"authorization": "Bearer control-token"}
    body = "\n".join(map(json.dumps, lines))
    for _ in range(2):
        answer = await service.http.post("/-/import", content=body, headers=token)
        assert answer.json() == {"imported": 4}
        assert redis.smembers("celebrities") == {b"13"}
        assert redis.zrange("home:11", 0, -1) == [b"101", b"102"]
        assert redis.zrange("posts:13", 0, -1) == [b"103"]
        assert redis.smembers("followers:13") == {b"11", b"12"}
        assert redis.zrange("popular", 0, -1, withscores=True) == [(b"12", 1.0), (b"13", 2.0)]
    assert (await service.http.post("/-/import", content="{}", headers=token)).status_code == 422
