"""Home and user timelines: whole, in order, without duplicates, for those who may see them."""

from __future__ import annotations

import asyncio
import json
import time
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.platform.events.log import Event
from services.timeline.__main__ import application
from services.timeline.consumer import FanOut

ANN, BOB, EVE = (11, "ann"), (12, "Bob"), (13, "eve")
BASE = 115_292_150_460_684
"""Ids as large as real ones, so that nothing is lost in the doubles of scores."""


@pytest.fixture
async def service(start_service):
    return await start_service("timeline", application, TIMELINE_CELEBRITY_FOLLOWERS="3")


@pytest.fixture
def redis(sentinels, service):
    client = sentinels.pair.primary.client
    add_accounts(client)
    return client


def add_accounts(redis):
    for number, name in (ANN, BOB, EVE):
        redis.hset(f"account:{number}", mapping={"name": name, "protected": 0})
        redis.set(f"handle:{name.lower()}", number)


def add_post(redis, number, author):
    body = {"id": str(number), "author": {"id": str(author), "name": "x"}, "text": "t"}
    stored = json.dumps(body)[:-1]
    redis.hset(
        f"post:{number}", mapping={"body": stored, "author": author, "likes": number % 7, "retweets": 1}
    )


async def whole(service, path, viewer, limit=3):
    """All pages of a timeline in one list."""
    items, cursor = [], None
    for _ in range(1000):
        query = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        answer = await service.call("GET", path, viewer, params=query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= limit
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items
    raise AssertionError("no end of pages")


def ids(items):
    return [int(item["id"]) for item in items]


async def until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


async def test_an_empty_home(service):
    answer = await service.call("GET", "/timelines/home", ANN)
    assert answer.content == b'{"items":[],"next":null}'
    assert answer.headers["content-type"] == "application/json"


async def test_an_item_is_the_stored_post_with_its_counters_and_who_retweeted_it(service, redis):
    add_post(redis, BASE + 5, 12)
    redis.zadd("home:11", {f"{BASE + 5}:13": BASE + 9})
    [item] = await whole(service, "/timelines/home", ANN)
    assert item == {
        "id": str(BASE + 5),
        "author": {"id": "12", "name": "x"},
        "text": "t",
        "likes": (BASE + 5) % 7,
        "retweets": 1,
        "retweeted_by": {"id": "13", "name": "eve"},
    }


async def test_deleted_posts_are_skipped_and_pages_stay_full(service, redis):
    for number in range(40):
        redis.zadd("home:11", {str(BASE + number): BASE + number})
        if number % 3 == 0:
            add_post(redis, BASE + number, 12)
    assert ids(await whole(service, "/timelines/home", ANN, 5)) == [
        BASE + number for number in range(39, -1, -1) if number % 3 == 0
    ]
    page = (await service.call("GET", "/timelines/home?limit=14", ANN)).json()
    assert len(page["items"]) == 14


async def test_one_call_looks_at_no_more_than_so_many_entries(service, redis):
    """Else whoever follows enough accounts that retweeted what is gone keeps the store busy for seconds."""
    for celebrity in range(20, 32):
        redis.sadd("celebrities", celebrity)
        redis.sadd("following:11", celebrity)
        gone = {f"{7000 + n}:{celebrity}": BASE + 100 * n + celebrity for n in range(800)}
        redis.zadd(f"posts:{celebrity}", gone)
    add_post(redis, BASE, 12)
    redis.zadd("home:11", {str(BASE): BASE})
    redis.config_resetstat()
    first = (await service.call("GET", "/timelines/home?limit=20", ANN)).json()
    assert first["items"] == []
    assert first["next"] is not None
    calls = {
        name: redis.info("commandstats")[f"cmdstat_{name}"]["calls"] for name in ("hmget", "zrevrangebyscore")
    }
    assert calls["hmget"] <= 2000
    assert calls["zrevrangebyscore"] <= 13 * 12
    assert ids(await whole(service, "/timelines/home", ANN, 20)) == [BASE]
    everything = await service.call("GET", f"/timelines/home?limit=20&cursor={2**53 - 1}-{BASE + 1}", ANN)
    assert ids(everything.json()["items"]) == [BASE]


async def test_what_celebrities_wrote_is_merged_at_read(service, redis):
    redis.sadd("celebrities", 13)
    redis.sadd("following:11", 12, 13)
    for number in range(30):
        author = 13 if number % 4 == 0 else 12
        add_post(redis, BASE + number, author)
        key = "posts:13" if author == 13 else "home:11"
        redis.zadd(key, {str(BASE + number): BASE + number})
    for limit in (1, 4, 30, 100):
        assert ids(await whole(service, "/timelines/home", ANN, limit)) == list(
            range(BASE + 29, BASE - 1, -1)
        )


async def test_a_retweet_of_what_became_protected_is_hidden(service, redis):
    add_post(redis, BASE, 12)
    redis.zadd("home:11", {f"{BASE}:13": BASE + 1})
    redis.zadd("posts:13", {f"{BASE}:13": BASE + 1})
    assert ids(await whole(service, "/timelines/home", ANN)) == [BASE]
    redis.hset("account:12", "protected", 1)
    assert await whole(service, "/timelines/home", ANN) == []
    assert await whole(service, "/timelines/users/eve", ANN) == []
    redis.sadd("followers:12", 11)
    assert ids(await whole(service, "/timelines/home", ANN)) == [BASE]
    assert ids(await whole(service, "/timelines/users/EVE", ANN)) == [BASE]


async def test_a_home_hides_what_its_author_no_longer_shows_to_the_viewer(service, redis):
    """Whatever left an entry there: a home alone never says that its owner may see a post."""
    add_post(redis, BASE, 12)
    redis.zadd("home:11", {str(BASE): BASE})
    redis.hset("account:12", "protected", 1)
    assert await whole(service, "/timelines/home", ANN) == []
    redis.sadd("followers:12", 11)
    assert ids(await whole(service, "/timelines/home", ANN)) == [BASE]
    redis.zadd("home:12", {str(BASE): BASE})
    assert ids(await whole(service, "/timelines/home", BOB)) == [BASE]


async def test_a_home_hides_what_a_protected_account_retweeted(service, redis):
    add_post(redis, BASE, 11)
    redis.zadd("home:13", {f"{BASE}:12": BASE + 1})
    redis.hset("account:12", "protected", 1)
    assert await whole(service, "/timelines/home", EVE) == []
    redis.sadd("followers:12", 13)
    assert ids(await whole(service, "/timelines/home", EVE)) == [BASE]


async def test_who_was_removed_reads_nothing_that_was_fanned_out_before_the_fame(service, redis):
    for fan in (11, 13, 14):
        redis.hset(f"account:{fan}", "name", f"fan{fan}")
    await service.call("PUT", "/users/bob/follow", ANN)
    for number in range(3):
        add_post(redis, BASE + number, 12)
        redis.zadd("posts:12", {str(BASE + number): BASE + number})
        await service.app.state.timelines.fan_out(12, str(BASE + number))
    for fan in ((13, "fan13"), (14, "fan14")):
        await service.call("PUT", "/users/bob/follow", fan)
    assert redis.sismember("celebrities", 12)
    redis.zrem("posts:12", str(BASE))  # as trimming does once enough was posted since
    redis.hset("account:12", "protected", 1)
    assert ids(await whole(service, "/timelines/home", ANN)) == [BASE + 2, BASE + 1, BASE]
    assert (await service.call("DELETE", "/me/followers/ann", BOB)).status_code == 204
    assert await whole(service, "/timelines/home", ANN) == []


async def test_what_arrives_while_somebody_pages_moves_nothing(service, redis):
    for number in range(6):
        add_post(redis, BASE + number, 12)
        redis.zadd("home:11", {str(BASE + number): BASE + number})
    first = (await service.call("GET", "/timelines/home?limit=3", ANN)).json()
    # A new post, and a retweet of one that is still to come on the second page.
    add_post(redis, BASE + 9, 12)
    redis.zadd("home:11", {str(BASE + 9): BASE + 9, f"{BASE + 1}:13": BASE + 10})
    second = (await service.call("GET", f"/timelines/home?limit=3&cursor={first['next']}", ANN)).json()
    assert ids(first["items"]) + ids(second["items"]) == list(range(BASE + 5, BASE - 1, -1))


entries = st.lists(
    st.tuples(
        st.sampled_from(["home:11", "posts:13", "posts:14"]),
        st.integers(0, 25),  # the post
        st.sampled_from([None, 12, 13, 14]),  # who retweeted it
    ),
    max_size=60,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    entries=entries,
    deleted=st.sets(st.integers(0, 25), max_size=8),
    hidden=st.sets(st.integers(0, 25), max_size=8),
    limit=st.integers(1, 9),
)
async def test_pages_together_are_the_whole_in_order_without_duplicates(
    service, redis, entries, deleted, hidden, limit
):
    redis.flushall()
    add_accounts(redis)
    redis.sadd("celebrities", 13, 14)
    redis.sadd("following:11", 13, 14)
    redis.hset("account:15", "protected", 1)
    for number in set(range(26)) - deleted:
        add_post(redis, BASE + number, 15 if number in hidden else 12)
    expected = {}
    for order, (key, number, retweeter) in enumerate(entries):
        score = BASE + number if retweeter is None else BASE + 1000 + order
        member = str(BASE + number) if retweeter is None else f"{BASE + number}:{retweeter}"
        redis.zadd(key, {member: score})
    for key in ("home:11", "posts:13", "posts:14"):
        for member, score in redis.zrange(key, 0, -1, withscores=True):
            number = int(member.split(b":")[0])
            if number - BASE not in deleted | hidden:
                expected[number] = max(score, expected.get(number, 0))
    newest_first = sorted(expected, key=lambda number: -expected[number])
    assert ids(await whole(service, "/timelines/home", ANN, limit)) == newest_first


@pytest.mark.parametrize("cursor", ["", "x", "1", "1-", "-1", "1-2-3", "\x00", "9" * 17 + "-1", "１-２"])
async def test_cursors_that_were_not_made_here(service, cursor):
    for path in ("/timelines/home", "/timelines/users/ann"):
        answer = await service.call("GET", path, ANN, params={"cursor": cursor})
        assert answer.status_code == 400
        assert answer.json()["type"].endswith("/unknown-cursor")


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "", "1e2", "9" * 5000])
async def test_limits_out_of_bounds(service, limit):
    answer = await service.call("GET", "/timelines/home", ANN, params={"limit": limit})
    assert answer.status_code == 422


async def test_home_needs_somebody_signed_in(service):
    answer = await service.call("GET", "/timelines/home")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def append(redis, identifier, kind, actor, **data):
    event = {"id": identifier, "type": kind, "actor": actor, "json": json.dumps(data)}
    redis.xadd("events", event)


async def test_posts_and_retweets_reach_followers_and_undone_ones_leave(service, redis):
    redis.sadd("followers:12", 11, 13)
    redis.zadd("posts:12", {str(BASE): BASE, f"{BASE - 9}:12": BASE + 1})
    append(redis, BASE, "post.created", 12, post=str(BASE))
    append(redis, BASE + 1, "retweet.created", 12, post=str(BASE - 9), author="13")
    wanted = [(str(BASE).encode(), BASE), (b"%d:12" % (BASE - 9), BASE + 1)]
    await until(lambda: redis.zrange("home:11", 0, -1, withscores=True) == wanted)
    await until(lambda: redis.zrange("home:13", 0, -1, withscores=True) == wanted)
    redis.zrem("posts:12", f"{BASE - 9}:12")
    append(redis, BASE + 2, "retweet.undone", 12, post=str(BASE - 9), author="13")
    await until(lambda: redis.zcard("home:11") == redis.zcard("home:13") == 1)


async def test_celebrities_are_not_fanned_out(service, redis):
    redis.sadd("followers:12", 11)
    redis.sadd("followers:13", 11)
    redis.sadd("celebrities", 12)
    redis.zadd("posts:12", {str(BASE): BASE})
    redis.zadd("posts:13", {str(BASE + 1): BASE + 1})
    append(redis, BASE, "post.created", 12, post=str(BASE))
    append(redis, BASE + 1, "post.created", 13, post=str(BASE + 1))
    await until(lambda: redis.exists("home:11"))
    assert redis.zrange("home:11", 0, -1) == [str(BASE + 1).encode()]


steps = st.lists(st.sampled_from(["post", "retweet", "undo", "follow", "unfollow", "event"]), max_size=25)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps, rounds=st.lists(st.randoms(use_true_random=False), min_size=1, max_size=3))
@example(steps=["follow", "retweet", "event", "undo", "unfollow"], rounds=[Random(1)])
async def test_events_in_any_order_any_number_of_times_lead_to_the_same_home(service, redis, steps, rounds):
    """A home holds what the followed account's own timeline holds, however events were handled."""
    redis.flushall()
    add_accounts(redis)
    await service.call("PUT", "/users/bob/follow", ANN)
    fan_out = FanOut(service.app.state.timelines)
    events, number = [], BASE
    for step in steps:
        number += 1
        if step == "post":
            redis.zadd("posts:12", {str(number): number})
            events.append(Event(number, "post.created", 12, {"post": str(number)}))
        elif step == "retweet":
            redis.zadd("posts:12", {"77:12": number})
            events.append(Event(number, "retweet.created", 12, {"post": "77"}))
        elif step == "undo":
            redis.zrem("posts:12", "77:12")
            events.append(Event(number, "retweet.undone", 12, {"post": "77"}))
        elif step == "event" and events:
            await fan_out.handle(events[-1])
        elif step == "follow":
            await service.call("PUT", "/users/bob/follow", ANN)
        elif step == "unfollow":
            await service.call("DELETE", "/users/bob/follow", ANN)
    for random in rounds:
        random.shuffle(events)
        for event in events:
            await fan_out.handle(event)
    follows = redis.sismember("followers:12", 11)
    wanted = redis.zrange("posts:12", 0, -1, withscores=True) if follows else []
    assert redis.zrange("home:11", 0, -1, withscores=True) == wanted


async def test_homes_are_trimmed(service, redis):
    redis.sadd("followers:12", 11)
    redis.zadd("home:11", {str(number): number for number in range(1, 801)})
    redis.zadd("posts:12", {str(BASE): BASE})
    await service.app.state.timelines.fan_out(12, str(BASE))
    assert redis.zcard("home:11") == 800
    assert redis.zrank("home:11", "1") is None
    assert redis.zrank("home:11", str(BASE)) == 799


async def test_who_unfollows_during_a_fan_out_gets_nothing_of_it(service, redis, monkeypatch):
    redis.zadd("posts:12", {str(BASE): BASE})
    redis.sadd("followers:12", 13)
    timelines = service.app.state.timelines

    async def as_it_was_before(*command):
        return [b"11", b"13"]

    monkeypatch.setattr(service.app.state.site.store, "query", as_it_was_before)
    await timelines.fan_out(12, str(BASE))
    assert not redis.exists("home:11")
    assert redis.zcard("home:13") == 1
