"""Faults of answers, on real services: what they say is wrong, and nothing else about them."""

from __future__ import annotations

from typing import Any

import pytest

from services.notify.__main__ import application as notify
from services.platform.injection.spec import FaultSpec
from services.post.__main__ import application as post
from services.timeline.__main__ import application as timeline

ANN, BOB = (11, "ann"), (12, "bob")
HOME = "/api/v1/timelines/home"


def hurt(service: Any, kind: str, **more: Any) -> None:
    service.app.state.site.faults.put("one", FaultSpec(kind=kind, seconds=60, **more))


@pytest.fixture
async def posted(start_service, store) -> str:
    """A post of Ann's, whose posts are protected."""
    posts = await start_service("post", post)
    await store.redis.hset("account:11", mapping={"name": "ann", "protected": 1})
    await store.redis.set("handle:ann", 11)
    answer = await posts.http.post("/api/v1/posts", json={"text": "for friends"}, headers=signed_in(ANN))
    return str(answer.json()["id"])


def signed_in(user: tuple[int, str]) -> dict[str, str]:
    return {"failwhale-user": str(user[0]), "failwhale-name": user[1]}


async def items(service: Any, user: tuple[int, str], path: str = HOME) -> list[str]:
    answer = await service.http.get(path, headers=signed_in(user))
    assert answer.status_code == 200
    return [item["id"] for item in answer.json()["items"]]


async def test_timelines_are_empty_and_well_in_all_else(start_service, posted):
    service = await start_service("timeline", timeline)
    assert await items(service, ANN) == [posted]
    hurt(service, "timelines-empty")
    assert await items(service, ANN) == []
    assert await items(service, ANN, "/api/v1/timelines/users/ann") == []
    service.app.state.site.faults.remove("one")
    assert await items(service, ANN) == [posted]


async def test_only_the_users_that_are_meant_get_nothing(start_service, posted):
    service = await start_service("timeline", timeline)
    hurt(service, "timelines-empty", users=0.0)
    assert await items(service, ANN) == [posted]


@pytest.mark.parametrize(("name", "application"), [("post", post), ("timeline", timeline)])
async def test_a_stranger_sees_what_is_protected_and_nothing_that_is_not_there(
    start_service, posted, name, application
):
    service = await start_service(name, application)
    hidden, nowhere = (f"/api/v1/posts/{posted}", "/api/v1/posts/1")
    if name == "timeline":
        hidden, nowhere = (f"/api/v1/timelines/users/{who}" for who in ("ann", "nobody"))

    async def status(path: str) -> int:
        return (await service.http.get(path, headers=signed_in(BOB))).status_code

    assert (await status(hidden), await status(nowhere)) == (404, 404)
    hurt(service, "privacy-leak")
    assert (await status(hidden), await status(nowhere)) == (200, 404)


async def test_who_reads_is_taken_for_who_read_before(start_service, posted):
    service = await start_service("timeline", timeline)
    hurt(service, "users-mixed-up")
    assert await items(service, ANN) == [posted]
    assert await items(service, BOB) == [posted]
    assert await items(service, ANN) == []


async def test_nothing_is_written_in_a_wrong_name(start_service, store):
    service = await start_service("notify", notify)
    await store.redis.zadd("notifications:11", {'{"id":"5"}': 5})
    hurt(service, "users-mixed-up")
    inbox = "/api/v1/notifications"
    assert await items(service, ANN, inbox) == ["5"]
    answer = await service.http.put(f"{inbox}/read", json={"up_to": "5"}, headers=signed_in(BOB))
    assert answer.status_code == 204
    assert await store.redis.get("notifications-read:11") is None
