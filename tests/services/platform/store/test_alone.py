"""Writes that no replica has: acknowledged only by a server that is certainly the primary."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import cast

import pytest

from services.platform.calls import deadline, not_done
from services.platform.problems import Problem
from services.platform.settings import Address
from services.platform.store import Script, Store, commits, confirmation
from services.platform.store import store as module
from services.platform.store.commits import Commits
from services.platform.store.confirmation import Confirmation
from services.platform.store.connection import Argument, Command, Lost, NotSent, Refusal
from services.platform.store.on_demand import OnDemandConnection
from services.platform.store.sentinels import Sentinels, Topology

ADD = Script("return redis.call('SADD', KEYS[1], ARGV[1])")
NOBODY = Address("127.0.0.1", 1)
SOON = 10.0


@pytest.fixture
async def start(own_sentinels) -> AsyncIterator[Callable[[int], Store]]:
    """Makes a store that reaches so many of the three sentinels."""
    stores = []

    def make(sentinels: int) -> Store:
        reached = own_sentinels.addresses[:sentinels]
        stores.append(Store([*reached, *[NOBODY] * (3 - sentinels)], access=own_sentinels.access))
        return stores[-1]

    yield make
    for store in stores:
        await store.close()


async def refusal(store: Store, number: int, *, seconds: float = 1.0, repeatable: bool = False) -> Problem:
    """The problem of a write that must be refused, in a request of its own."""
    with deadline.deadline_within(seconds):
        request = asyncio.create_task(store.write(ADD, ["numbers"], [number], repeatable=repeatable))
    with pytest.raises(Problem) as problem:
        await request
    assert (problem.value.status, problem.value.slug) == (503, "store-unavailable")
    return problem.value


class Demoted:
    """A connection whose server runs the scripts, becomes a replica, and is then asked to wait for one."""

    address = NOBODY
    closed = False
    connection: Demoted

    def __init__(self, *answers: object) -> None:
        self.connection = self
        self.scripts: set[bytes] = set()
        self._answers = answers

    async def open(self) -> Demoted:
        return self

    async def pipeline(self, commands: Sequence[Command]) -> list[object]:
        return [*self._answers, None, Refusal("ERR WAIT cannot be used with replica instances.")]

    async def call(self, *command: Argument) -> list[object]:
        return [b"slave", b"127.0.0.1", 1, b"connected", 1]

    def close(self, reason: str) -> None:
        self.closed = True


async def test_who_was_demoted_before_the_wait_does_not_acknowledge_and_passes_on_refusals():
    async def all_agree() -> Address | None:
        return NOBODY

    connection = Demoted(1, Refusal("READONLY You can't write against a read only replica."))
    queue = Commits(cast(OnDemandConnection, connection), Confirmation(all_agree))
    done, refused = await asyncio.gather(
        queue.commit(ADD, ["s"], ["a"]), queue.commit(ADD, ["s"], ["b"]), return_exceptions=True
    )
    assert isinstance(done, Lost), done
    assert not isinstance(done, NotSent), "it was done, but nobody will ever have it"
    assert isinstance(refused, Refusal), refused
    assert connection.closed


async def test_a_write_whose_server_was_demoted_meanwhile_is_not_acknowledged(start, own_sentinels):
    store, pair = start(3), own_sentinels.pair
    await store.write(ADD, ["numbers"], [1])
    pair.replica.pause()
    writing = asyncio.ensure_future(store.write(ADD, ["numbers"], [2]))
    async with asyncio.timeout(SOON):
        while not await asyncio.to_thread(pair.primary.client.sismember, "numbers", 2):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    pair.primary.client.replicaof("127.0.0.1", pair.replica.port)
    with pytest.raises(Problem, match="not known"):
        await writing


@pytest.mark.parametrize("alive", [3, 2])
async def test_a_dead_replica_stops_nobody_while_most_sentinels_answer(start, own_sentinels, alive):
    store = start(alive)
    own_sentinels.pair.replica.kill()
    for number in range(3):
        written = await store.write(ADD, ["numbers"], [number])
        assert (written.value, written.replicated) == (1, False)


async def test_a_primary_that_is_cut_off_takes_no_writes(start, own_sentinels, monkeypatch):
    monkeypatch.setattr(module, "PROMOTION_SECONDS", 0.2)
    store, pair = start(1), own_sentinels.pair
    written = await asyncio.create_task(store.write(ADD, ["numbers"], [1]))
    assert written.replicated, "what a replica has needs no sentinels"
    pair.replica.pause()
    first = await refusal(store, 2)
    assert "not known" in first.detail
    assert not_done.HEADER not in first.headers
    assert pair.primary.client.sismember("numbers", 2), "it was sent before anybody knew"

    second = await refusal(store, 3, seconds=SOON)
    assert second.headers.get(not_done.HEADER) == not_done.VALUE
    assert not pair.primary.client.sismember("numbers", 3), "and from then on nothing is"

    pair.replica.resume()
    pair.wait_for_replica()
    assert (await store.write(ADD, ["numbers"], [4])).replicated


async def test_a_write_that_may_be_repeated_waits_until_it_is_certain(start, own_sentinels):
    store = start(2)
    own_sentinels.pair.replica.pause()
    own_sentinels.servers[1].pause()
    writing = asyncio.ensure_future(store.write(ADD, ["numbers"], [1], repeatable=True))
    async with asyncio.timeout(SOON):
        while not store._commits.failing_for:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    own_sentinels.servers[1].resume()
    async with asyncio.timeout(SOON):
        assert not (await writing).replicated
    assert store._commits.failing_for == 0.0


async def test_who_is_cut_off_for_longer_than_a_promotion_takes_refuses_at_once(
    start, own_sentinels, monkeypatch
):
    monkeypatch.setattr(module, "PROMOTION_SECONDS", 0.5)
    store = start(1)
    own_sentinels.pair.replica.pause()
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert not_done.HEADER not in (await refusal(store, 1, seconds=SOON, repeatable=True)).headers
    assert loop.time() - began > 0.5, "it might have been a promotion"
    began = loop.time()
    assert not_done.HEADER in (await refusal(store, 2, seconds=SOON, repeatable=True)).headers
    assert loop.time() - began < 2.0


async def test_a_primary_that_others_replaced_is_left(start, own_sentinels):
    own_sentinels.wait_until_they_can_promote()
    store, pair = start(3), own_sentinels.pair
    await store.write(ADD, ["numbers"], [1])
    replaced = store._writing.connection
    pair.primary.pause()
    async with asyncio.timeout(SOON):
        while await store._sentinels.elected() != pair.replica.address:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    pair.primary.resume()
    assert not await store._commits._confirmation.of(replaced)
    assert replaced.closed
    with deadline.deadline_within(SOON):
        await store.write(ADD, ["numbers"], [2], repeatable=True)
    assert pair.replica.client.sismember("numbers", 2)


async def test_sentinels_are_not_asked_for_each_write(start, own_sentinels, monkeypatch):
    store, asked = start(3), []
    elected = store._sentinels.elected

    async def count() -> Address | None:
        asked.append(1)
        return await elected()

    monkeypatch.setattr(store._commits._confirmation, "_elected", count)
    await store.write(ADD, ["numbers"], [0])
    assert not asked
    own_sentinels.pair.replica.kill()
    await store.write(ADD, ["numbers"], [1])
    monkeypatch.setattr(confirmation, "LEASE_SECONDS", SOON)
    for number in range(2, 50):
        await store.write(ADD, ["numbers"], [number])
    assert 1 <= len(asked) <= 3


OLD, NEW = Address("127.0.0.1", 7), Address("127.0.0.1", 8)
SILENT = NotSent("nobody is there")
ALIVE, DOWN = (1, Topology(OLD, ())), (1, Topology(None, ()))
PROMOTING = (1, Topology(OLD, (), promoting=True))
PROMOTED = (2, Topology(NEW, ()))


@pytest.mark.parametrize(
    ("answers", "elected"),
    [
        ([ALIVE, ALIVE, ALIVE], OLD),
        ([ALIVE, ALIVE, SILENT], OLD),
        ([SILENT, ALIVE, ALIVE], OLD),
        ([ALIVE, DOWN, ALIVE], OLD),
        ([ALIVE, SILENT, SILENT], None),
        ([ALIVE, DOWN, DOWN], None),
        ([DOWN, DOWN, DOWN], None),
        ([SILENT, SILENT, SILENT], None),
        ([ALIVE, ALIVE, PROMOTING], None),
        ([ALIVE, ALIVE, PROMOTED], None),
        ([ALIVE, PROMOTED, PROMOTED], NEW),
        ([PROMOTED, SILENT, PROMOTED], NEW),
        ([PROMOTED, SILENT, SILENT], None),
        ([PROMOTED, PROMOTED, (2, Topology(NEW, (), promoting=True))], None),
    ],
)
async def test_elected_is_whom_most_name_and_nobody_is_replacing(monkeypatch, answers, elected):
    sentinels = Sentinels([NOBODY] * 3, "failwhale", {})
    by_line = dict(zip(sentinels._to_each, answers, strict=True))

    async def ask(line: OnDemandConnection) -> tuple[int, Topology]:
        for _ in range(3 * sentinels._to_each.index(line)):
            await asyncio.sleep(0)
        answer = by_line[line]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(sentinels, "_ask", ask)
    assert await sentinels.elected() == elected


async def test_who_is_silent_is_not_waited_for_once_most_have_spoken(monkeypatch):
    sentinels = Sentinels([NOBODY] * 3, "failwhale", {})

    async def ask(line: OnDemandConnection) -> tuple[int, Topology]:
        if line is sentinels._to_each[0]:
            await asyncio.sleep(SOON)
        return ALIVE

    monkeypatch.setattr(sentinels, "_ask", ask)
    async with asyncio.timeout(SOON / 2):
        assert await sentinels.elected() == OLD


def test_what_was_said_before_a_wait_does_not_speak_for_what_came_after():
    assert 1000 * confirmation.LEASE_SECONDS < commits.PATIENCE_MS
