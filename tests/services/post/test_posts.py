"""Posts: created, read, deleted, liked; shown to those who may see them."""

from __future__ import annotations

import json

import pytest

from services.platform.identity import User
from services.platform.worker_ids import WorkerIds
from services.post.__main__ import application
from services.post.models import mentioned_handles
from services.post.store import Posts

ANN, BOB, EVE = (11, "ann"), (12, "Bob"), (13, "eve")


@pytest.fixture
async def service(start_service):
    return await start_service("post", application)


@pytest.fixture
def redis(sentinels, service):
    client = sentinels.pair.primary.client
    for number, name in (ANN, BOB, EVE):
        client.hset(f"account:{number}", mapping={"name": name, "protected": 0})
        client.set(f"handle:{name.lower()}", number)
    return client


def events(redis, kind):
    found = [fields for _, fields in redis.xrange("events")]
    return [
        (int(event[b"actor"]), json.loads(event[b"json"]))
        for event in found
        if event[b"type"] == kind.encode()
    ]


async def post(service, user, text, **headers):
    answer = await service.call("POST", "/posts", user, json={"text": text}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_new_post_says_all_about_itself_and_can_be_read(service, redis):
    created = await post(service, ANN, 'Hi @bob and @nobody, "quoted" \\ 🐳\nnew line')
    assert created.pop("replicated") is True
    assert created["author"] == {"id": "11", "name": "ann"}
    assert created["text"] == 'Hi @bob and @nobody, "quoted" \\ 🐳\nnew line'
    assert created["mentions"] == ["Bob"]
    assert (created["likes"], created["retweets"]) == (0, 0)
    assert created["created"].endswith("Z")
    assert (await service.call("GET", f"/posts/{created['id']}")).json() == created
    assert redis.zrange("posts:11", 0, -1) == redis.zrange("home:11", 0, -1) == [created["id"].encode()]
    assert redis.hget("account:11", "posts") == b"1"


async def test_a_post_and_its_event_are_one(service, redis):
    created = await post(service, ANN, "@eve @Bob look")
    assert events(redis, "post.created") == [
        (11, {"post": created["id"], "name": "ann", "mentions": ["13", "12"]})
    ]


@pytest.mark.parametrize(
    "text", ["", " \n ", "x" * 281, "a\x00b", "tab\there", "\x7f", "क़" * 280, "carriage\r\nreturn"]
)
async def test_texts_that_are_no_posts(service, redis, text):
    answer = await service.call("POST", "/posts", ANN, json={"text": text})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert not redis.exists("events")


async def test_a_lone_surrogate_is_no_text(service):
    answer = await service.call(
        "POST",
        "/posts",
        ANN,
        content=b'{"text": "\\ud800"}',
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 422


async def test_length_is_counted_in_characters_of_the_normal_form(service, redis):
    decomposed = "e\u0301" * 140  # 280 code points as sent, 140 in NFC
    assert (await post(service, ANN, decomposed))["text"] == "é" * 140
    assert (await post(service, ANN, "🐳" * 280))["text"] == "🐳" * 280


def test_mentions_are_handles_that_stand_alone():
    text = "@Ann, (@bob) mail@example.org @@twice @waytoolongahandle16 @ann é@eve @x"
    assert mentioned_handles(text) == ["ann", "bob", "x"]


async def test_an_idempotency_key_makes_one_post(service, redis):
    key = {"Idempotency-Key": "k1"}
    first = await post(service, ANN, "once", **key)
    again = await post(service, ANN, "once", **key)
    assert again == first
    assert len(events(redis, "post.created")) == 1
    assert (await post(service, BOB, "once", **key))["id"] != first["id"]
    other = await service.call("POST", "/posts", ANN, json={"text": "twice"}, headers=key)
    assert (other.status_code, other.json()["type"].rpartition("/")[2]) == (422, "idempotency-key-reused")
    await service.call("DELETE", f"/posts/{first['id']}", ANN)
    gone = await service.call("POST", "/posts", ANN, json={"text": "once"}, headers=key)
    assert gone.status_code == 410


async def test_an_invented_key_is_kept_as_long_as_it_is_said_to_be(service, redis):
    invented = {"Idempotency-Key": "k1", "failwhale-key-seconds": "60"}
    first = await post(service, ANN, "once", **invented)
    assert await post(service, ANN, "once", **invented) == first
    assert 50 < redis.ttl("idempotency:11:k1") <= 60
    await post(service, ANN, "once", **{"Idempotency-Key": "k2"})
    assert 86_390 < redis.ttl("idempotency:11:k2") <= 86_400


NOON = 2_000_000_000_000


async def test_a_worker_that_starts_again_with_its_clock_stepped_back_makes_new_ids(service, redis, store):
    await service.call("PUT", "/me/protection", EVE)
    before, after = (Posts(store, WorkerIds(store, 9, clock)) for clock in (lambda: NOON, lambda: NOON - 50))
    secret = json.loads((await before.create(User(*EVE), "for friends only", "k1")).json)
    own = json.loads((await after.create(User(*ANN), "my own", "k2")).json)
    assert (own["text"], own["author"]["name"]) == ("my own", "ann")
    assert int(own["id"]) > int(secret["id"])
    assert redis.hget("newest-ids", 9) == own["id"].encode()


@pytest.mark.parametrize("key", ["k1", None])
@pytest.mark.parametrize("deleted", [False, True])
async def test_the_id_of_another_post_is_not_taken_for_a_call_made_before(
    service, redis, store, key, deleted
):
    """Two processes that make ids under one number, as one that was frozen and its successor may."""
    twins = [WorkerIds(store, 9, lambda: NOON) for _ in range(2)]
    assert await twins[0].next() == await twins[1].next()
    first = await Posts(store, twins[0]).create(User(*ANN), "one text", key)
    if deleted:
        await service.call("DELETE", f"/posts/{json.loads(first.json)['id']}", ANN)
    second = await Posts(store, twins[1]).create(User(*BOB), "one text", key)
    posts = [json.loads(made.json) for made in (first, second)]
    assert [post["author"]["name"] for post in posts] == ["ann", "Bob"]
    assert posts[0]["id"] != posts[1]["id"]
    assert redis.hmget("account:11", "posts") + redis.hmget("account:12", "posts") == [
        b"0" if deleted else b"1",
        b"1",
    ]


async def test_a_call_without_a_key_is_known_again_when_its_answer_was_lost(
    service, redis, store, monkeypatch
):
    write, answers = store.write, []

    async def twice(*args, **more):
        answers.append(await write(*args, **more))
        return await write(*args, **more)

    monkeypatch.setattr(store, "write", twice)
    again = await Posts(store, WorkerIds(store, 9)).create(User(*ANN), "once", None)
    assert answers[0].value[1] == again.json
    assert len(events(redis, "post.created")) == 1
    [remembered] = redis.keys("idempotency:11:*")
    assert 0 < redis.ttl(remembered) <= 60


async def test_only_its_author_deletes_a_post(service, redis):
    created = await post(service, ANN, "mine")
    path = f"/posts/{created['id']}"
    assert (await service.call("DELETE", path, BOB)).status_code == 403
    for user, status in ((ANN, 204), (ANN, 204), (BOB, 404)):
        assert (await service.call("DELETE", path, user)).status_code == status
    assert 0 < redis.ttl(f"deleted:{created['id']}") <= 600
    assert (await service.call("GET", path)).status_code == 404
    assert redis.hget("account:11", "posts") == b"0"
    assert redis.zcard("posts:11") == redis.zcard("home:11") == 0
    assert events(redis, "post.deleted") == [(11, {"post": created["id"]})]


async def test_likes_count_once_per_account(service, redis):
    created = await post(service, ANN, "like me")
    path = f"/posts/{created['id']}"
    for user in (BOB, BOB, EVE):
        assert (await service.call("PUT", f"{path}/like", user)).status_code == 204
    assert (await service.call("GET", path)).json()["likes"] == 2
    for _ in range(2):
        assert (await service.call("DELETE", f"{path}/like", BOB)).status_code == 204
    assert (await service.call("GET", path)).json()["likes"] == 1
    assert [actor for actor, _ in events(redis, "post.liked")] == [12, 13]
    assert events(redis, "post.unliked") == [(12, {"post": created["id"], "author": "11"})]
    assert (await service.call("PUT", "/posts/99/like", BOB)).status_code == 404
    assert (await service.call("DELETE", "/posts/99/like", BOB)).status_code == 404


async def test_posts_of_a_protected_account_are_there_for_followers_only(service, redis):
    created = await post(service, ANN, "for friends")
    path = f"/posts/{created['id']}"
    assert (await service.call("PUT", "/me/protection", ANN)).status_code == 204
    redis.sadd("followers:11", 12)
    for user, status in ((ANN, 200), (BOB, 200), (EVE, 404), (None, 404)):
        assert (await service.call("GET", path, user)).status_code == status
    for method, of_path in (("PUT", f"{path}/like"), ("DELETE", f"{path}/like"), ("DELETE", path)):
        assert (await service.call(method, of_path, EVE)).status_code == 404
    assert (await service.call("DELETE", "/me/protection", ANN)).status_code == 204
    assert (await service.call("GET", path)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("POST", "/posts", {"json": {"text": "x"}}),
        ("DELETE", "/posts/1", {}),
        ("PUT", "/posts/1/like", {}),
        ("PUT", "/me/protection", {}),
    ],
)
async def test_writing_needs_somebody_signed_in(service, method, path, more):
    answer = await service.call(method, path, **more)
    assert answer.status_code == 401


@pytest.mark.parametrize("identifier", ["0", "-1", "1e3", "99999999999999999999", "%00", "\u0661"])
async def test_ids_that_are_none_are_refused(service, identifier):
    assert (await service.call("GET", f"/posts/{identifier}")).status_code in (400, 422)


async def test_bulk_import_happens_once(service, redis):
    line = {
        "id": "5",
        "author": {"id": "11", "name": "ann"},
        "text": "old @bob",
        "created": "2026-01-01T00:00:00.000000Z",
        "mentions": ["Bob"],
        "likes": 3,
        "retweets": 1,
    }
    token = {"authorization": "Bearer control-token"}
    for _ in range(2):
        answer = await service.http.post("/-/import", content=json.dumps(line) + "\n", headers=token)
        assert answer.json() == {"imported": 1}
    assert (await service.call("GET", "/posts/5")).json() == line
    assert redis.hget("account:11", "posts") == b"1"
    assert (await service.http.post("/-/import", content="{}", headers=token)).status_code == 422
    assert (await service.http.post("/-/import", content="{}")).status_code == 401
