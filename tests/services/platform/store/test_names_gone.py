"""A store whose names do not resolve for a while: a data centre that is cut off."""

from __future__ import annotations

import asyncio
import gc
import socket
import tracemalloc
from collections.abc import AsyncIterator

import pytest

from services.platform import names
from services.platform.calls import deadline
from services.platform.problems import Problem
from services.platform.revocations import Revocations
from services.platform.settings import Address
from services.platform.store import Script, Store
from services.platform.tasks import cancel_all

ADD = Script("return redis.call('SADD', KEYS[1], ARGV[1])")
LOOK_UP_SECONDS = 0.5
"""What a resolver takes that has nobody to ask."""

BACK_WITHIN = 2.0
CROWD = 100


class Resolver:
    """Names of sentinels. While they are gone, the answer is late, and that there is none."""

    def __init__(self, addresses: dict[str, str]) -> None:
        self.addresses = addresses
        self.gone = True
        self.asked = 0
        self.under_way = 0
        self.most_under_way = 0

    async def __call__(self, host: str) -> tuple[str, ...]:
        self.asked += 1
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            if self.gone and host in self.addresses:
                await asyncio.sleep(LOOK_UP_SECONDS)
                raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
            return (self.addresses.get(host, host),)
        finally:
            self.under_way -= 1


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    resolver = Resolver({f"sentinel-{number}": "127.0.0.1" for number in range(3)})
    monkeypatch.setattr(names, "_ask_system", resolver)
    return resolver


@pytest.fixture
async def store(sentinels, resolver) -> AsyncIterator[Store]:
    sentinels.pair.empty()
    store = Store(
        [Address(f"sentinel-{n}", at.port) for n, at in enumerate(sentinels.addresses)],
        access=sentinels.access,
    )
    await store.start()
    yield store
    await store.close()


async def use(store: Store, times: int) -> int:
    """Read and write, each in vain; returns how often."""
    for _ in range(times):
        with deadline.deadline_within(0.1), pytest.raises(Problem):
            await store.query("PING")
        with deadline.deadline_within(0.1), pytest.raises(Problem):
            await store.write(ADD, ["numbers"], [1], repeatable=True)
    return 2 * times


async def written(store: Store) -> bool:
    """Write; whether the store could be reached."""
    try:
        return (await store.write(ADD, ["numbers"], [2], repeatable=True)).replicated
    except Problem:
        return False


async def test_nothing_piles_up_and_it_is_back_at_once(store, resolver, caplog):
    known = Revocations(store)
    following = [asyncio.create_task(work) for work in (known.poll(), known.listen())]
    await asyncio.gather(*(use(store, 2) for _ in range(CROWD)))  # whatever is made once is there now
    tasks, memory = len(asyncio.all_tasks()), _memory()
    used = sum(await asyncio.gather(*(use(store, 10) for _ in range(CROWD))))
    assert used == 20 * CROWD
    assert resolver.most_under_way <= 3, "one look-up for each name"
    assert len(asyncio.all_tasks()) <= tasks + 5
    assert _memory() - memory < 500_000
    tracemalloc.stop()

    resolver.gone = False
    async with asyncio.timeout(BACK_WITHIN):
        while not await written(store):
            pass
    await cancel_all(following)
    assert not [record for record in caplog.records if "never retrieved" in record.getMessage()]


def _memory() -> int:
    """Bytes that Python's objects have now, beyond those from before it was first asked."""
    if not tracemalloc.is_tracing():
        tracemalloc.start()
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
