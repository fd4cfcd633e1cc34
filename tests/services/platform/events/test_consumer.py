"""The event log on real servers: members that come, fail, die and are promoted over."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.platform import events
from services.platform.events.consumer import Consumer, consume
from services.platform.events.log import Event, append_lua
from services.platform.injection.points import InjectionPoints
from services.platform.injection.spec import FaultSpec
from services.platform.metrics import Metrics
from services.platform.problems import Problem
from services.platform.settings import Address, Settings
from services.platform.store import Script, Store

POST = Script(
    append_lua()
    + """
    append_event(ARGV[1], 'post.created', ARGV[2], ARGV[3])
    redis.call('SET', 'post:' .. ARGV[1], ARGV[3])
    """
)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(Settings("timeline", Address("127.0.0.1", 0), Path(), Path()))


@pytest.fixture
def quick(monkeypatch):
    """The same, with short times."""
    monkeypatch.setattr(events.consumer, "ORPHANED_MS", 150)
    monkeypatch.setattr(events.consumer, "BLOCK_MS", 50)


class Recorder(Consumer):
    group = "recorders"
    types = frozenset({"post.created"})

    def __init__(self, trouble: Callable[[Event], None] = lambda event: None) -> None:
        self.seen: list[int] = []
        self.events: list[Event] = []
        self._trouble = trouble

    async def handle(self, event: Event) -> None:
        self.seen.append(event.id)
        self._trouble(event)
        self.events.append(event)


async def happened(store: Store, *identifiers: int, type: str = "post.created") -> None:
    for identifier in identifiers:
        await store.write(POST, (), [identifier, 7, json.dumps({"text": f"post {identifier}"})])


@asynccontextmanager
async def member(
    consumer: Consumer,
    store: Store,
    metrics: Metrics,
    name: str = "a",
    faults: InjectionPoints | None = None,
) -> AsyncIterator[None]:
    task = asyncio.create_task(consume(consumer, store, name, metrics, faults or InjectionPoints()))
    try:
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], object], seconds: float = 8.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 (conditions of many kinds)
            await asyncio.sleep(0.005)


async def pending(store: Store) -> int:
    return int((await store.redis.xpending("events", "recorders"))["pending"])


async def settled(store: Store) -> None:
    async with asyncio.timeout(5):
        while await pending(store):  # noqa: ASYNC110 (the server has no event to wait for)
            await asyncio.sleep(0.01)


async def test_events_reach_a_handler_with_what_was_written(store, metrics, quick):
    await happened(store, 1)  # before the group exists
    recorder = Recorder()
    async with member(recorder, store, metrics):
        await happened(store, 2)
        await until(lambda: len(recorder.events) == 2)
        await settled(store)
        await until(lambda: metrics.events_lag("recorders")._value.get() == 0)
    assert recorder.events[0] == Event(1, "post.created", 7, {"text": "post 1"})
    assert recorder.seen == [1, 2]
    assert metrics.events_handled("recorders", "post.created")._value.get() == 2


async def test_other_types_are_acknowledged_unseen(store, metrics, quick):
    like = Script(append_lua() + "append_event('1', 'post.liked', '7', '{}')")
    recorder = Recorder()
    async with member(recorder, store, metrics):
        await store.write(like)
        await happened(store, 2)
        await until(lambda: recorder.seen == [2])
        await settled(store)


async def test_two_members_share_and_one_takes_over_what_the_other_left(store, metrics, quick):
    stuck = Recorder()
    forever = asyncio.Event()

    async def hang(event: Event) -> None:
        stuck.seen.append(event.id)
        await forever.wait()

    stuck.handle = hang
    async with member(stuck, store, metrics, "a"):
        await happened(store, *range(1, 5))
        await until(lambda: stuck.seen)
    # The first member is gone now, in the middle of its batch.
    healthy = Recorder()
    async with member(healthy, store, metrics, "b"):
        await happened(store, 5)
        await until(lambda: set(healthy.seen) == {1, 2, 3, 4, 5})
        await settled(store)


async def test_after_a_restart_a_member_finishes_its_own_at_once(store, metrics, monkeypatch):
    monkeypatch.setattr(events.consumer, "ORPHANED_MS", 60_000)
    await store.redis.xgroup_create("events", "recorders", "0", mkstream=True)
    await happened(store, 1, 2)
    await store.redis.xreadgroup("recorders", "a", {"events": ">"})
    recorder = Recorder()
    async with member(recorder, store, metrics, "a"):
        await until(lambda: recorder.seen == [1, 2], 1.0)
        await settled(store)


async def test_a_failed_event_is_tried_again_and_does_not_hold_up_the_next(store, metrics, quick):
    failures = iter([ValueError("not yet")])

    def trouble(event: Event) -> None:
        if event.id == 1 and (error := next(failures, None)):
            raise error

    recorder = Recorder(trouble)
    async with member(recorder, store, metrics):
        await happened(store, 1, 2)
        await until(lambda: recorder.seen == [1, 2, 1])
        await settled(store)


async def test_a_poisonous_event_is_put_aside_with_its_error(store, metrics, quick):
    def trouble(event: Event) -> None:
        if event.id == 1:
            raise ValueError("poison")

    recorder = Recorder(trouble)
    async with member(recorder, store, metrics):
        await happened(store, 1)
        await until(lambda: metrics.events_dead("recorders")._value.get() == 1)
        await settled(store)
    assert recorder.seen == [1] * events.consumer.TRIES
    ((_, dead),) = await store.redis.xrange("events-dead")
    assert dead[b"id"] == b"1"
    assert dead[b"group"] == b"recorders"
    assert b"poison" in dead[b"error"]


async def test_an_entry_that_is_no_event_is_put_aside_too(store, metrics, quick):
    await store.redis.xadd("events", {"nonsense": 1})
    async with member(Recorder(), store, metrics):
        await until(lambda: metrics.events_dead("recorders")._value.get() == 1)


async def test_while_the_store_refuses_writes_no_event_is_given_up(store, metrics, quick):
    refusals = iter(range(events.consumer.TRIES + 2))

    def trouble(event: Event) -> None:
        if next(refusals, None) is not None:
            raise Problem(503, "store-unavailable", "The store cannot be reached")

    recorder = Recorder(trouble)
    async with member(recorder, store, metrics):
        await happened(store, 1)
        await until(lambda: recorder.events)
    assert metrics.events_dead("recorders")._value.get() == 0


async def test_a_group_that_was_deleted_is_made_again(store, sentinels, metrics, quick):
    recorder = Recorder()
    async with member(recorder, store, metrics):
        await happened(store, 1)
        await until(lambda: recorder.seen)
        sentinels.pair.empty()
        await happened(store, 2)
        await until(lambda: 2 in recorder.seen)


async def test_the_lag_of_a_group_without_members_is_told_by_others(store, metrics, quick):
    await store.redis.xgroup_create("events", "deserted", "0", mkstream=True)
    async with member(Recorder(), store, metrics):
        await happened(store, 1, 2, 3)
        await until(lambda: metrics.events_lag("deserted")._value.get() == 3)


async def test_the_lag_is_known_also_where_the_server_does_not_know_it(store, metrics, quick):
    await store.redis.xgroup_create("events", "deserted", "0", mkstream=True)
    await happened(store, *range(1, 6))
    middle = (await store.redis.xrange("events"))[2][0]
    await store.redis.xdel("events", middle)
    [group] = await store.redis.xinfo_groups("events")
    assert group["lag"] is None
    async with member(Recorder(), store, metrics):
        await until(lambda: metrics.events_lag("deserted")._value.get() == 4)


async def append(store: Store, number: int) -> None:
    """Many events at once."""
    many = Script(append_lua() + "for i = 1, ARGV[1] do append_event(i, 'post.created', 7, '{}') end")
    await store.write(many, (), (number,), replicate=False)


async def length(store: Store) -> int:
    return int(await store.redis.xlen("events"))


async def test_beyond_a_hard_bound_events_are_lost_and_that_is_told(
    store, metrics, quick, monkeypatch, caplog
):
    monkeypatch.setattr(events.log, "EVENTS_MOST", 500)
    monkeypatch.setattr(events.consumer, "EVENTS_MOST", 500)
    await store.redis.xgroup_create("events", "behind", "0", mkstream=True)
    await append(store, 1000)
    assert 500 <= await length(store) <= 700
    async with member(Recorder(), store, metrics):
        await until(lambda: "behind loses events" in caplog.text)
    assert "recorders loses events" not in caplog.text


async def test_events_that_were_trimmed_after_they_were_taken_are_counted_as_lost(store, metrics, quick):
    await append(store, 3)
    await store.redis.xgroup_create("events", "recorders", "0")
    await store.redis.xreadgroup("recorders", "dead", {"events": ">"})
    await store.redis.xtrim("events", maxlen=1, approximate=False)
    recorder = Recorder()
    async with member(recorder, store, metrics):
        await until(lambda: recorder.seen == [3])
        await settled(store)
    assert metrics.events_lost("recorders")._value.get() == 2


async def test_every_event_is_handled_across_a_promotion(own_sentinels, metrics):
    own_sentinels.wait_until_they_can_promote()
    store = Store(own_sentinels.addresses, access=own_sentinels.access)
    await store.start()
    recorder = Recorder()
    acknowledged: list[int] = []

    async def write() -> None:
        number = 0
        while True:
            number += 1
            try:
                await happened(store, number)
                acknowledged.append(number)
            except Problem:
                pass
            await asyncio.sleep(0.005)

    async with member(recorder, store, metrics):
        writer = asyncio.create_task(write())
        await until(lambda: len(recorder.seen) > 20)
        own_sentinels.pair.primary.kill()
        died_at = len(acknowledged)
        await until(lambda: len(acknowledged) > died_at + 20, 20)
        writer.cancel()
        await asyncio.wait([writer])
        await until(lambda: set(acknowledged) <= set(recorder.seen))
    await store.close()


# --- what faults do ---


def hurt(kind: str, **more: object) -> InjectionPoints:
    faults = InjectionPoints()
    faults.put("one", FaultSpec(kind=kind, seconds=60, **more))
    return faults


async def test_a_member_that_is_stopped_takes_nothing_until_that_ends(store, metrics, quick):
    recorder, faults = Recorder(), hurt("consumer-stopped")
    async with member(recorder, store, metrics, faults=faults):
        await happened(store, 1, 2)
        await until(lambda: faults.active()[0].hits > 2)
        assert recorder.seen == []
        assert len(await store.redis.xrange("events")) == 2
        faults.remove("one")
        await until(lambda: recorder.seen == [1, 2])
        await settled(store)


async def test_a_slow_member_takes_its_time_for_each_event_and_none_once_that_ends(store, metrics, quick):
    recorder, faults = Recorder(), hurt("consumer-slow", delay=0.1)
    loop = asyncio.get_running_loop()
    async with member(recorder, store, metrics, faults=faults):
        began = loop.time()
        await happened(store, 1, 2, 3)
        await until(lambda: len(recorder.events) == 3)
        assert loop.time() - began >= 0.3
        faults.put("one", FaultSpec(kind="consumer-slow", seconds=60, delay=60))
        await happened(store, 4)
        await until(lambda: faults.active()[0].hits == 4)
        assert recorder.seen == [1, 2, 3]
        faults.remove("one")
        await until(lambda: recorder.seen == [1, 2, 3, 4])


async def test_poison_holds_up_all_members_and_goes_to_the_dead_letters_at_the_end(store, metrics, quick):
    def trouble(event: Event) -> None:
        if event.id == 1:
            raise ValueError("poison")

    one, other, faults = Recorder(trouble), Recorder(trouble), hurt("poison-event")
    async with member(one, store, metrics, "a", faults), member(other, store, metrics, "b", faults):
        await happened(store, 1)
        await until(lambda: (one.seen + other.seen).count(1) > 2 * events.consumer.TRIES)
        await until(lambda: one.seen and other.seen)
        await happened(store, 2)
        tried = len(one.seen)
        await until(lambda: len(one.seen) > tried + 1)
        assert 2 not in one.seen + other.seen
        faults.remove("one")
        await until(lambda: 2 in one.seen + other.seen)
        await settled(store)
    assert [dead[b"id"] for _, dead in await store.redis.xrange("events-dead")] == [b"1"]


async def test_two_members_that_give_up_the_same_event_at_once_put_one_dead_letter(store, metrics, quick):
    def trouble(event: Event) -> None:
        raise ValueError("poison")

    async with member(Recorder(trouble), store, metrics):
        await happened(store, 1)
        await until(lambda: metrics.events_dead("recorders")._value.get() == 1)
    entry = (await store.redis.xrange("events"))[0][0]
    late = [entry, events.consumer.EVENTS_DEAD_KEPT, "id", "1"]
    again = await store.write(events.consumer._GIVE_UP, ("events", "events-dead"), ["recorders", *late])
    assert again.value == 0
    assert len(await store.redis.xrange("events-dead")) == 1


async def test_who_acknowledges_the_poison_ends_it(store, metrics, quick):
    def trouble(event: Event) -> None:
        if event.id == 1:
            raise ValueError("poison")

    recorder, faults = Recorder(trouble), hurt("poison-event")
    async with member(recorder, store, metrics, faults=faults):
        await happened(store, 1)
        await until(lambda: recorder.seen.count(1) > 1)
        await happened(store, 2)
        await store.redis.xack("events", "recorders", (await store.redis.xrange("events"))[0][0])
        await until(lambda: 2 in recorder.seen)
        assert faults.active()


async def test_what_is_trimmed_before_a_group_reads_it_is_lost_and_counted(store, metrics, quick):
    stopped, healthy, faults = Recorder(), Recorder(), hurt("event-log-trimmed")
    healthy.group = "others"
    async with member(stopped, store, metrics, "a", faults), member(healthy, store, metrics, "b"):
        await until(lambda: faults.active()[0].hits > 0)
        await happened(store, *range(1, 6))
        await until(lambda: len(healthy.seen) == 5)
        await until(lambda: metrics.events_lost("recorders")._value.get() >= 4)
        faults.remove("one")
        await happened(store, 6)
        await until(lambda: 6 in stopped.seen and 6 in healthy.seen)
    assert len(stopped.seen) + metrics.events_lost("recorders")._value.get() == 6
    assert metrics.events_lost("others")._value.get() == 0


async def test_what_is_delivered_twice_is_handled_twice_and_then_acknowledged(store, metrics, quick):
    recorder, faults = Recorder(), hurt("duplicate-events")
    async with member(recorder, store, metrics, faults=faults):
        await happened(store, 1, 2)
        await until(lambda: sorted(recorder.seen) == [1, 1, 2, 2])
        await settled(store)
        faults.remove("one")
        await happened(store, 3)
        await until(lambda: 3 in recorder.seen)
        await settled(store)
    assert sorted(recorder.seen) == [1, 1, 2, 2, 3]
