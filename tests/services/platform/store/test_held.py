"""What a store answers, while latency or loss of it is in force."""

from __future__ import annotations

import time

import pytest

from services.platform.injection.held import Held
from services.platform.injection.points import InjectionPoints
from services.platform.injection.spec import FaultSpec
from services.platform.settings import Address
from services.platform.store.connection import Lost, StoreConnection


async def test_the_answers_of_the_store_that_is_meant_are_late_and_in_order(sentinels):
    pair = sentinels.pair
    points = InjectionPoints()
    connections = [
        await StoreConnection.open(server.address, 5.0, access=sentinels.access, faults=points)
        for server in (pair.primary, pair.replica)
    ]
    points.put("f", FaultSpec(kind="latency", seconds=30, delay=0.15, store=str(pair.primary.address)))
    began = time.monotonic()
    assert await connections[1].call("PING") == b"PONG"
    assert time.monotonic() - began < 0.15, "the other store is spared"
    began = time.monotonic()
    asked = [connections[0].call("ECHO", word) for word in ("a", "b")]
    assert [await answer for answer in asked] == [b"a", b"b"]
    assert time.monotonic() - began >= 0.15
    assert points.active()[0].hits >= 1
    points.remove("f")
    began = time.monotonic()
    assert await connections[0].call("PING") == b"PONG"
    assert time.monotonic() - began < 0.15
    for connection in connections:
        connection.close("the test is over")


async def test_what_never_arrives_ends_the_connection(sentinels, monkeypatch):
    monkeypatch.setattr("services.platform.injection.held.RETRANSMISSIONS", (0.01,))
    points = InjectionPoints()
    primary = sentinels.pair.primary.address
    connection = await StoreConnection.open(primary, 5.0, access=sentinels.access, faults=points)
    points.put("f", FaultSpec(kind="loss", seconds=30, share=1, store=str(primary)))
    with pytest.raises(Lost, match="its answers were lost"):
        await connection.call("PING")
    assert connection.closed


def test_a_store_is_meant_by_whichever_way_it_is_reached():
    """The fault names it as the sentinels do; a service may reach it through a link."""
    named, link = Address("store-west", 6380), Address("link-east", 6380)
    points = InjectionPoints(routes={named: link})
    points.put("f", FaultSpec(kind="latency", seconds=30, delay=0.15, store=str(named)))
    assert points.held_from(link) == Held(0.15)
    assert points.held_from(named) is None
    assert points.inbound is None


@pytest.mark.parametrize("wrong", [{"kind": "errors", "store": "a:1"}, {"kind": "loss", "store": "a"}])
def test_what_cannot_be_done_to_a_store(wrong):
    with pytest.raises(ValueError, match=r"store|host:port"):
        FaultSpec.model_validate({"seconds": 1, **wrong})
