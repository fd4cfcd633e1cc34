"""Faults by themselves (whom they hit, when they end) and as requests feel them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import ValidationError

from services.platform.injection.points import InjectionPoints
from services.platform.injection.spec import FaultSpec
from services.platform.site import Site

Start = Callable[..., Awaitable[tuple[FastAPI, httpx.AsyncClient]]]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def points(clock: Clock) -> InjectionPoints:
    return InjectionPoints(clock=clock)


def errors(**more: Any) -> FaultSpec:
    return FaultSpec.model_validate({"kind": "errors", "seconds": 10, **more})


def hit(
    points: InjectionPoints,
    method: str = "GET",
    path: str = "/a",
    user: str | None = None,
    caller: str | None = None,
) -> bool:
    return points.inbound is not None and points.choose(method, path, user, caller) is not None


def test_nothing_is_there_until_a_fault_is_set_and_after_it_is_removed(points: InjectionPoints) -> None:
    assert points.inbound is None
    points.put("f", errors())
    assert hit(points)
    removed = points.remove("f")
    assert removed is not None
    assert removed.hits == 1
    assert removed.ended.is_set()
    assert points.inbound is None
    assert points.remove("f") is None


def test_lease_ends_by_itself(points: InjectionPoints, clock: Clock) -> None:
    short, long = points.put("short", errors(seconds=2)), points.put("long", errors(seconds=5))
    clock.now += 1.5
    assert points.remaining(short) == 0.5
    clock.now += 0.5
    assert points.active() == (long,)
    assert short.ended.is_set()
    clock.now += 3
    assert not hit(points)
    assert points.inbound is None


def test_setting_a_fault_anew_renews_its_lease_and_keeps_its_hits(
    points: InjectionPoints, clock: Clock
) -> None:
    points.put("f", errors(seconds=2))
    assert hit(points)
    clock.now += 1
    renewed = points.put("f", errors(seconds=2, share=0))
    clock.now += 1.5
    assert points.active() == (renewed,)
    assert renewed.hits == 1
    assert not hit(points)


@pytest.mark.parametrize(
    ("route", "hits"),
    [
        (None, {"GET /a", "GET /posts", "POST /posts", "GET /posts/1", "GET /posts/1/likes"}),
        ("/posts", {"GET /posts", "POST /posts"}),
        ("POST /posts", {"POST /posts"}),
        ("/posts/{id}", {"GET /posts/1"}),
    ],
)
def test_routes(points: InjectionPoints, route: str | None, hits: set[str]) -> None:
    points.put("f", errors(route=route))
    requests = ["GET /a", "GET /posts", "POST /posts", "GET /posts/1", "GET /posts/1/likes"]
    assert {request for request in requests if hit(points, *request.split())} == hits


def test_share_of_requests(points: InjectionPoints) -> None:
    points.put("f", errors(share=0.2, seed=7))
    first = [hit(points) for _ in range(2000)]
    assert 0.17 < sum(first) / len(first) < 0.23
    points.remove("f")
    points.put("f", errors(share=0.2, seed=7))
    assert [hit(points) for _ in range(2000)] == first, "the same seed draws the same"


def test_share_of_users_is_the_same_users_everywhere(clock: Clock) -> None:
    here, there, other = (
        InjectionPoints(clock=clock),
        InjectionPoints(clock=clock),
        InjectionPoints(clock=clock),
    )
    for points, seed in ((here, 1), (there, 1), (other, 2)):
        points.put("f", errors(users=0.2, seed=seed))
    users = [str(number * 7919) for number in range(2000)]
    hit_here = {user for user in users if hit(here, user=user)}
    assert 0.17 < len(hit_here) / len(users) < 0.23
    assert hit_here == {user for user in users if hit(here, user=user)}
    assert hit_here == {user for user in users if hit(there, user=user)}
    assert hit_here != {user for user in users if hit(other, user=user)}
    assert not hit(here, user=None), "strangers are no users"


def test_the_seed_of_the_delays_has_no_say_in_which_users_are_hit(points: InjectionPoints) -> None:
    late = {"kind": "latency", "delay": 0.1, "tail": 1.0, "draws": 7}
    drawn = []
    for name in ("one", "other"):
        applied = points.put(name, errors(**late, users=0.5))
        drawn.append([applied.held(9.0).seconds for _ in range(5)])
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 5
    points.remove("one")
    users = [str(number) for number in range(100)]
    hit_late = [user for user in users if hit(points, user=user)]
    points.remove("other")
    points.put("f", errors(users=0.5))
    assert hit_late == [user for user in users if hit(points, user=user)]


def test_strangers_are_not_among_the_users_even_if_all_are_hit(points: InjectionPoints) -> None:
    """Of a request without identity the header is empty."""
    points.put("f", errors(users=1))
    assert hit(points, user="7")
    assert not hit(points, user="")
    assert not hit(points, user=None)


def test_only_calls_of_the_callers_are_hit(points: InjectionPoints) -> None:
    """A caller is who its certificate says, and certificates write `frontend-east`."""
    callers = [None, "frontend-east", "frontend-west", "frontend@east", "client", ""]
    points.put("f", errors())
    assert all(hit(points, caller=caller) for caller in callers)
    points.put("f", errors(callers=["frontend@east", "prober"]))
    assert [caller for caller in callers if hit(points, caller=caller)] == ["frontend-east"]
    assert hit(points, caller="prober")
    assert points.active()[0].hits == len(callers) + 2


def test_of_the_callers_only_a_share_is_hit_and_others_draw_no_number(points: InjectionPoints) -> None:
    points.put("f", errors(share=0.2, seed=7))
    of_everybody = [hit(points) for _ in range(100)]
    points.remove("f")
    points.put("f", errors(share=0.2, seed=7, callers=["frontend@east"]))
    of_callers = []
    for _ in range(100):
        assert not hit(points, caller="frontend-west")
        of_callers.append(hit(points, caller="frontend-east"))
    assert of_callers == of_everybody


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "meteor"},
        {"seconds": 0},
        {"seconds": -1},
        {"seconds": float("nan")},
        {"seconds": 3601},
        {"share": 1.1},
        {"share": -0.1},
        {"users": 2},
        {"kind": "latency"},
        {"kind": "latency", "delay": -1},
        {"kind": "latency", "delay": 1, "jitter": 1.1},
        {"header": "Content-Type"},
        {"value": "a\nb"},
        {"kind": "latency", "delay": 1, "tail": 1},
        {"kind": "latency", "delay": 1, "tail": 2, "jitter": 0.5},
        {"status": 200},
        {"status": 600},
        {"route": "posts"},
        {"route": "/posts/{a}/{a}"},
        {"route": "/posts/{id:nothing}"},
        {"callers": []},
        {"callers": [""]},
        {"callers": ["frontend:all"]},
        {"callers": ["a" * 61]},
        {"colour": "red"},
    ],
)
def test_what_is_no_fault(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        errors(**wrong)


@pytest.fixture
def router() -> APIRouter:
    router = APIRouter(prefix="/api/v1")

    @router.get("/{word}")
    async def read(word: str) -> str:
        return word

    return router


def site_of(app: FastAPI) -> Site:
    site: Site = app.state.site
    return site


async def test_errors(start: Start, router: APIRouter) -> None:
    app, client = await start(router)
    site_of(app).faults.put("f", errors(status=503, users=0.5))
    users = [str(number) for number in range(1, 21)]
    answers = [
        await client.get("/api/v1/a", headers={"failwhale-user": u, "failwhale-name": "n"}) for u in users
    ]
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 503}
    hits = site_of(app).faults.active()[0].hits
    assert hits == statuses.count(503)
    registry = site_of(app).metrics.registry
    assert registry.get_sample_value("injection_point_hits_total", {"kind": "errors"}) == hits
    assert (await client.get("/-/health")).status_code == 200
    assert (await client.get("/metrics")).status_code == 200


async def test_latency_lasts_as_long_as_it_says(start: Start, router: APIRouter) -> None:
    app, client = await start(router)
    site_of(app).faults.put("f", FaultSpec(kind="latency", seconds=10, delay=0.1))
    began = time.monotonic()
    assert (await client.get("/api/v1/a")).json() == "a"
    assert 0.1 <= time.monotonic() - began < 1


async def test_a_duplicated_request_is_carried_out_twice_with_its_body_and_answered_once(
    start: Start,
) -> None:
    router, came = APIRouter(prefix="/api/v1"), []

    @router.post("/words")
    async def write(words: dict[str, str]) -> int:
        came.append(words)
        return len(came)

    app, client = await start(router)
    site_of(app).faults.put("f", FaultSpec(kind="duplicated", seconds=10))
    assert (await client.post("/api/v1/words", json={"a": "b"})).json() == 2
    assert came == [{"a": "b"}] * 2
    count = "http_server_request_duration_seconds_count"
    labels = {
        "http_request_method": "POST",
        "http_route": "/api/v1/words",
        "http_response_status_code": "200",
    }
    assert site_of(app).metrics.registry.get_sample_value(count, labels) == 2
    site_of(app).faults.remove("f")
    assert (await client.post("/api/v1/words", json={"c": "d"})).json() == 3


async def ends(app: FastAPI, request: Awaitable[httpx.Response], end: str) -> httpx.Response:
    """The answer to a request that a fault held until it was removed, or until its lease was over."""
    async with asyncio.timeout(5):
        answer = asyncio.ensure_future(request)
        while not site_of(app).faults.active()[0].hits:  # noqa: ASYNC110 - the hit is a number, not an event
            await asyncio.sleep(0.001)
        assert not answer.done()
        if end == "removed":
            site_of(app).faults.remove("f")
        return await answer


@pytest.mark.parametrize("end", ["removed", "expired"])
async def test_latency_ends_with_the_fault(start: Start, router: APIRouter, end: str) -> None:
    app, client = await start(router)
    site_of(app).faults.put("f", FaultSpec(kind="latency", seconds=0.1 if end == "expired" else 60, delay=60))
    assert (await ends(app, client.get("/api/v1/a"), end)).status_code == 200


@pytest.mark.parametrize("end", ["removed", "expired"])
async def test_black_hole_ends_with_the_fault(start: Start, router: APIRouter, end: str) -> None:
    """Here the connection cannot be dropped, so the request fails; test_serve sees it dropped."""
    app, client = await start(router)
    site_of(app).faults.put("f", FaultSpec(kind="black-hole", seconds=0.1 if end == "expired" else 60))
    assert (await ends(app, client.get("/api/v1/a"), end)).status_code == 500
    assert (await client.get("/api/v1/a")).status_code == 200


def test_removing_one_fault_leaves_the_others(points: InjectionPoints) -> None:
    first, second = points.put("first", errors()), points.put("second", errors())
    assert points.remove("first") is first
    assert points.active() == (second,)
    assert first.ended.is_set()
    assert not second.ended.is_set()


def test_those_that_are_meant_are_ended_together(points: InjectionPoints) -> None:
    skewed = points.put("one", FaultSpec.model_validate({"kind": "clock-skew", "seconds": 10, "ahead": 60}))
    points.put("two", errors())
    points.end(lambda applied: applied.fault.kind == "clock-skew")
    assert skewed.ended.is_set()
    assert [applied.id for applied in points.active()] == ["two"]
    assert hit(points)


def test_without_a_seed_the_same_users_are_hit_as_everywhere_without_one(clock: Clock) -> None:
    without, zero = InjectionPoints(clock=clock), InjectionPoints(clock=clock)
    without.put("f", errors(users=0.5))
    zero.put("f", errors(users=0.5, seed=0))
    users = [str(number) for number in range(1, 200)]
    assert [hit(without, user=user) for user in users] == [hit(zero, user=user) for user in users]
