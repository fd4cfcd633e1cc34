"""A store whose servers are not where the sentinels say, but behind the link to the other data centre."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.link.relay import Relay
from services.link.routes import LinkRoute
from services.platform.calls import deadline
from services.platform.problems import Problem
from services.platform.settings import Address
from services.platform.store import Script, Store
from services.platform.store import store as module

ADD = Script("return redis.call('SADD', KEYS[1], ARGV[1])")
SOON = 20.0


class OnDemandConnection:
    """A relay to one server, and how many ends of connections go through it."""

    def __init__(self, target: Address) -> None:
        self.target = target
        self.relay = Relay([LinkRoute(Address("127.0.0.1", 0), target)])
        self.address: Address

    async def open(self) -> None:
        (self.address,) = await self.relay.start()


@pytest.fixture
async def lines(own_sentinels) -> AsyncIterator[tuple[OnDemandConnection, OnDemandConnection]]:
    """To the primary and to the replica."""
    own_sentinels.wait_until_they_can_promote()
    pair = own_sentinels.pair
    both = OnDemandConnection(pair.primary.address), OnDemandConnection(pair.replica.address)
    for line in both:
        await line.open()
    yield both
    for line in both:
        line.relay.close()


@pytest.fixture
async def store(own_sentinels, lines) -> AsyncIterator[Store]:
    store = Store(
        own_sentinels.addresses,
        routes={line.target: line.address for line in lines},
        access=own_sentinels.access,
    )
    await store.start()
    yield store
    await store.close()


async def test_what_a_sentinel_names_is_reached_by_its_route_also_after_a_promotion(
    store, lines, own_sentinels
):
    to_primary, to_replica = lines
    assert (await store.write(ADD, ["numbers"], [1])).replicated
    assert await store.redis.sismember("numbers", 1)
    assert to_primary.relay.ends
    assert not to_replica.relay.ends

    announced = []
    store._sentinels._on_switch = announced.append
    own_sentinels.pair.primary.kill()
    async with asyncio.timeout(SOON):
        while not announced:  # noqa: ASYNC110 - another process has no event to wait for
            await asyncio.sleep(0.01)
    assert announced[0] == to_replica.address, "else the way to it would be dropped as one to somebody else"
    await store.write(ADD, ["numbers"], [2], repeatable=True)
    assert to_replica.relay.ends
    assert own_sentinels.pair.replica.client.smembers("numbers") == {b"1", b"2"}


async def test_reads_go_on_at_the_replica_when_the_line_to_the_primary_is_gone(store, lines):
    await store.write(ADD, ["numbers"], [1])
    lines[0].relay.close()
    for _ in range(20):
        assert await store.query("SCARD", "numbers") == 1
    with deadline.deadline_within(0.3), pytest.raises(Problem):
        await store.write(ADD, ["numbers"], [2], repeatable=True)


async def test_who_is_cut_off_for_longer_than_a_promotion_takes_refuses_writes_at_once(
    store, lines, own_sentinels, monkeypatch
):
    monkeypatch.setattr(module, "PROMOTION_SECONDS", 0.5)
    await store.write(ADD, ["numbers"], [1])
    lines[0].relay.close()
    loop = asyncio.get_running_loop()
    took = []
    for _ in range(2):
        began = loop.time()
        with deadline.deadline_within(3.0), pytest.raises(Problem, match="store"):
            await store.write(ADD, ["numbers"], [2], repeatable=True)
        took.append(loop.time() - began)
    assert took[0] > 0.5, "it might have been a promotion"
    assert took[1] < 0.4

    lines[0].relay = Relay([LinkRoute(lines[0].address, lines[0].target)])
    await lines[0].open()
    assert (await store.write(ADD, ["numbers"], [3], repeatable=True)).replicated
