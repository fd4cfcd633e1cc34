"""The way past the framework: taken by what is usual, and with the same answers."""

from __future__ import annotations

import pytest

from services.platform.pages import DEFAULT_PAGE
from services.timeline.__main__ import application
from services.timeline.home import PATH, Asked, usual
from services.timeline.models import Place

ANN = (11, "ann")


def scope(query=b"", path=PATH, method="GET", user=b"11", name=b"ann", kind="http"):
    headers = [(b"failwhale-user", user), (b"failwhale-name", name)]
    return {
        "type": kind,
        "path": path,
        "method": method,
        "query_string": query,
        "headers": [header for header in headers if header[1] is not None],
    }


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        (b"", Asked(11, DEFAULT_PAGE, Place())),
        (b"limit=1", Asked(11, 1, Place())),
        (b"limit=100", Asked(11, 100, Place())),
        (b"limit=50&cursor=123-45", Asked(11, 50, Place("123", "45"))),
    ],
)
def test_usual(query, asked):
    assert usual(scope(query)) == asked


@pytest.mark.parametrize(
    "query",
    [
        b"limit=0",
        b"limit=101",
        b"limit=050",
        b"limit=-1",
        b"limit=5&limit=6",
        b"limit=5&cursor=",
        b"limit=5&cursor=1-2-3",
        b"limit=5&cursor=12345678901234567-1",
        b"cursor=1-2&limit=5",
        b"limit=5&more=1",
        b"limit=5\n",
        "limit=٥".encode(),
    ],
)
def test_unusual_queries_are_left_to_the_framework(query):
    assert usual(scope(query)) is None


@pytest.mark.parametrize(
    "other",
    [
        {"path": f"{PATH}/"},
        {"method": "POST"},
        {"method": "HEAD"},
        {"user": None},
        {"name": None},
        {"user": b"0"},
        {"user": b"x"},
        {"name": b""},
        {"kind": "lifespan"},
    ],
)
def test_other_requests_are_left_to_the_framework(other):
    assert usual(scope(**other)) is None


async def test_both_ways_give_the_same_answer_and_are_measured_alike(start_service, sentinels):
    service = await start_service("timeline", application)
    redis = sentinels.pair.primary.client
    for number in range(1, 6):
        stored = {"body": f'{{"id":"{number}"', "author": 12, "likes": 0, "retweets": 0}
        redis.hset(f"post:{number}", mapping=stored)
        redis.zadd("home:11", {str(number): number})
    first = await service.call("GET", "/timelines/home?limit=2", ANN)
    cursor = first.json()["next"]
    short = await service.call("GET", f"/timelines/home?limit=2&cursor={cursor}", ANN)
    long = await service.call("GET", f"/timelines/home?cursor={cursor}&limit=2", ANN)
    assert (short.status_code, short.content) == (long.status_code, long.content)
    assert [item["id"] for item in short.json()["items"]] == ["3", "2"]
    own = "failwhale-request"
    assert {**short.headers, own: ""} == {**long.headers, own: ""}
    labels = {"http_request_method": "GET", "http_route": PATH, "http_response_status_code": "200"}
    registry = service.app.state.site.metrics.registry
    assert registry.get_sample_value("http_server_request_duration_seconds_count", labels) == 3
