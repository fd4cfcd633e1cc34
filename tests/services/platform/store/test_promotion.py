"""Store while its servers are killed, frozen and promoted under load."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.platform.calls import deadline
from services.platform.problems import Problem
from services.platform.store import Script, Store

ADD = Script("return redis.call('SADD', KEYS[1], ARGV[1])")

READ_GAP_SECONDS = 1.0
"""Longest time without a good read. A frozen primary is noticed after 0.4 s."""

WRITE_GAP_SECONDS = 20.0


@pytest.fixture
async def own_store(own_sentinels) -> AsyncIterator[Store]:
    own_sentinels.wait_until_they_can_promote()
    store = Store(own_sentinels.addresses, access=own_sentinels.access)
    await store.start()
    yield store
    await store.close()


class Load:
    """Writers and a reader that go on, whatever happens, and remember what they were told."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.replicated: list[int] = []
        self.good_reads: list[float] = []
        self.problems: list[str] = []
        self.acknowledged = 0
        self._next = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._write()) for _ in range(8)]
        tasks.append(asyncio.create_task(self._read()))
        await self.writes_go_on()
        yield
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in ended), ended

    async def _write(self) -> None:
        while True:
            number = self._next = self._next + 1
            try:
                with deadline.deadline_within(2.0):
                    written = await self.store.write(ADD, ["numbers"], [number], repeatable=True)
                self.acknowledged += 1
                if written.replicated:
                    self.replicated.append(number)
            except Problem as problem:
                self.problems.append(problem.slug)
            await asyncio.sleep(0.002)

    async def _read(self) -> None:
        while True:
            try:
                with deadline.deadline_within(2.0):
                    await self.store.query("SCARD", "numbers")
                self.good_reads.append(time.monotonic())
            except Problem as problem:
                self.problems.append(f"read: {problem.detail}")
            await asyncio.sleep(0.01)

    async def writes_go_on(self) -> None:
        """Until the primary takes writes, replicated or not."""
        enough = self.acknowledged + 50
        await until(lambda: self.acknowledged >= enough)

    def longest_read_gap(self) -> float:
        return max(b - a for a, b in zip(self.good_reads, self.good_reads[1:], strict=False))


async def until(condition, seconds=WRITE_GAP_SECONDS):
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 (another process has no event to wait for)
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("how", ["kill", "pause"])
async def test_no_replicated_write_is_lost_and_reads_go_on(own_store, own_sentinels, how):
    pair = own_sentinels.pair
    load = Load(own_store)
    async with load.running():
        getattr(pair.primary, how)()
        await until(lambda: own_sentinels.primary_port() == pair.replica.port)
        await load.writes_go_on()
    assert load.replicated
    found = {int(member) for member in pair.replica.client.smembers("numbers")}
    assert set(load.replicated) <= found
    assert load.longest_read_gap() < READ_GAP_SECONDS
    assert not [problem for problem in load.problems if problem.startswith("read")]


async def test_a_write_that_may_not_be_repeated_is_not(own_store, own_sentinels):
    count = Script("return redis.call('INCR', KEYS[1])")
    await own_store.write(count, ["n"])
    own_sentinels.pair.primary.pause()
    begin = time.monotonic()
    with pytest.raises(Problem, match="not known"), deadline.deadline_within(5):
        await own_store.write(count, ["n"])
    assert time.monotonic() - begin < 2.0
    with deadline.deadline_within(WRITE_GAP_SECONDS):
        assert (await own_store.write(count, ["n"], repeatable=True)).value == 2


async def test_an_idle_store_leaves_a_primary_that_was_replaced_while_it_slept(own_store, own_sentinels):
    pair = own_sentinels.pair
    await own_store.write(ADD, ["numbers"], [1])
    await own_store.query("SCARD", "numbers")
    pair.primary.pause()
    await until(
        lambda: all(
            s.client.sentinel_master("failwhale")["port"] == pair.replica.port for s in own_sentinels.servers
        )
    )
    pair.primary.resume()
    assert pair.primary.client.role()[0] == b"master", "it does not know yet that it was replaced"
    await own_store.write(ADD, ["numbers"], [2])
    assert pair.replica.client.smembers("numbers") == {b"1", b"2"}
    assert await own_store.query("SCARD", "numbers") == 2


async def test_one_frozen_and_one_dead_sentinel_cost_little(own_sentinels):
    own_sentinels.servers[0].pause()
    own_sentinels.servers[1].kill()
    store = Store(own_sentinels.addresses, access=own_sentinels.access)
    await store.start()
    begin = time.monotonic()
    await store.write(ADD, ["numbers"], [1])
    assert time.monotonic() - begin < 1.0
    await store.close()


async def test_reads_are_served_while_only_the_replica_lives(own_sentinels):
    own_sentinels.servers[0].kill()
    own_sentinels.servers[1].kill()  # no majority: nobody is promoted
    store = Store(own_sentinels.addresses, access=own_sentinels.access)
    await store.write(ADD, ["numbers"], [1])
    own_sentinels.pair.primary.kill()
    for _ in range(20):
        assert await store.query("SCARD", "numbers") == 1
    with deadline.deadline_within(0.3), pytest.raises(Problem) as problem:
        await store.write(ADD, ["numbers"], [2], repeatable=True)
    assert problem.value.headers["Retry-After"]
    own_sentinels.pair.primary.start()
    with deadline.deadline_within(WRITE_GAP_SECONDS):
        await store.write(ADD, ["numbers"], [3], repeatable=True)
    await store.close()
