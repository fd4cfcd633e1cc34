"""Homes that were emptied are filled from what those wrote whom their owners follow."""

from __future__ import annotations

import pytest

from services.platform.keys import TIMELINE_KEPT
from services.timeline.__main__ import application

OPERATOR = {"authorization": "Bearer control-token"}

ANN, BOB, EVE, STAR = 11, 12, 13, 14


@pytest.fixture
async def service(start_service):
    return await start_service("timeline", application)


@pytest.fixture
def redis(sentinels, service):
    """Ann follows Bob, and a celebrity; nobody follows Eve."""
    client = sentinels.pair.primary.client
    for account in (ANN, BOB, EVE, STAR):
        client.hset(f"account:{account}", mapping={"name": f"n{account}", "protected": 0})
    client.sadd(f"following:{ANN}", BOB, STAR)
    client.sadd("celebrities", STAR)
    client.zadd(f"posts:{BOB}", {"100": 100, "101": 101, f"90:{BOB}": 102})
    client.zadd(f"posts:{EVE}", {"103": 103})
    client.zadd(f"posts:{STAR}", {"104": 104})
    client.zadd(f"posts:{ANN}", {"105": 105})
    return client


async def warmed(service):
    """All of it, however often it has to be asked for."""
    told = {}
    while not told or told["cursor"] is not None:
        answer = await service.http.post("/-/homes/warm", headers=OPERATOR, json=told)
        assert answer.status_code == 200, answer.text
        told = answer.json()
    return told


async def test_a_home_is_filled_and_a_second_time_nothing_changes(service, redis):
    told = await warmed(service)
    assert redis.zrange(f"home:{ANN}", 0, -1, withscores=True) == [
        (b"100", 100),
        (b"101", 101),
        (f"90:{BOB}".encode(), 102),
        (b"105", 105),
    ]
    assert told == {"cursor": None, "homes": 4, "lacking": 4, "entries": 4 + 3 + 1 + 1}
    assert (await warmed(service))["lacking"] == 0


async def test_what_is_there_stays_and_no_home_grows_too_long(service, redis):
    redis.zadd(f"home:{ANN}", {"1": 1, "200": 200})
    redis.zadd(f"posts:{BOB}", {str(1000 + number): 1000 + number for number in range(TIMELINE_KEPT)})
    await warmed(service)
    assert redis.zcard(f"home:{ANN}") == TIMELINE_KEPT
    assert redis.zscore(f"home:{ANN}", "1000") == 1000
    assert redis.zscore(f"home:{ANN}", "200") is None, "what is too old goes"


async def test_who_follows_many_gets_from_all(service, redis):
    many = range(2000, 3100)
    redis.sadd(f"following:{EVE}", *many)
    for followed in many:
        redis.zadd(f"posts:{followed}", {str(followed): followed})
    await warmed(service)
    assert redis.zrevrange(f"home:{EVE}", 0, 0) == [b"3099"]
    assert redis.zcard(f"home:{EVE}") == TIMELINE_KEPT


async def test_it_goes_on_where_it_was(service, redis, monkeypatch):
    monkeypatch.setattr("services.timeline.routes.WARM_SECONDS", 0.0)
    monkeypatch.setattr("services.timeline.store.WARMED_AT_ONCE", 1)
    assert (await service.http.post("/-/homes/warm", headers=OPERATOR, json={})).json()["cursor"] is not None
    assert (await warmed(service))["homes"] == 4
