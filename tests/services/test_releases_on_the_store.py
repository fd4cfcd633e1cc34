"""What releases do to what is stored, and shown, with a real Redis."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.platform.events.log import Event
from services.platform.identity import User
from services.platform.ids import worker_of
from services.platform.problems import Problem
from services.platform.worker_ids import WorkerIds
from services.post import store as posts_in_the_store
from services.post.store import Posts
from services.releases.v1_2_other_events import FORMER, NAME
from services.releases.v1_2_other_events.post import renamed
from services.releases.v1_2_other_events.understanding import understand
from services.releases.v1_2_protected_posts_shown.post import read_as_its_author
from services.timeline.consumer import FanOut

ANN, EVE = User(11, "ann"), User(13, "eve")


@pytest.fixture
def redis(sentinels: Any) -> Any:
    return sentinels.pair.primary.client


@pytest.fixture
def posts(store: Any) -> Posts:
    return Posts(store, WorkerIds(store, worker_of("post", "east")))


async def test_a_stranger_sees_a_protected_post(
    posts: Posts, redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis.hset("account:11", mapping={"name": "ann", "protected": 1})
    post = json.loads((await posts.create(ANN, "not for everybody", None)).json)
    with pytest.raises(Problem, match="no such post"):
        await posts.read(post["id"], EVE)
    monkeypatch.setattr(Posts, "read", read_as_its_author(Posts.read))
    for viewer in (EVE, ANN, None):
        assert json.loads(await posts.read(post["id"], viewer))["text"] == "not for everybody"
    with pytest.raises(Problem, match="no such post"):
        await posts.read("12345", EVE)


async def test_the_two_releases_do_not_understand_each_other(
    posts: Posts, redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis.hset("account:11", mapping={"name": "ann", "protected": 0})
    monkeypatch.setattr(posts_in_the_store, "_CREATE", renamed(posts_in_the_store._CREATE))
    await posts.create(ANN, "hello", None)
    assert [fields[b"type"].decode() for _, fields in redis.xrange("events")] == [NAME]

    class Other(FanOut):
        """The fan-out of the other release."""

    understand(Other)
    assert NAME not in FanOut.types
    assert FORMER not in Other.types
    fanned_out = []

    class Timelines:
        async def is_celebrity(self, account: int) -> bool:
            return False

        async def fan_out(self, author: int, member: str) -> None:
            fanned_out.append((author, member))

    await Other(Timelines()).handle(Event(1, NAME, 11, {"post": "7"}))  # type: ignore[arg-type]
    assert fanned_out == [(11, "7")]
