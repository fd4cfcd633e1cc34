"""Store against real servers that nobody breaks."""

from __future__ import annotations

import asyncio
import time
from typing import ClassVar

import pytest
from redis.exceptions import ResponseError

from services.platform.access import Access
from services.platform.calls import deadline, not_done
from services.platform.problems import Problem
from services.platform.settings import Address
from services.platform.store import Script, Store
from services.platform.store.commits import Commits
from services.platform.store.confirmation import Confirmation
from services.platform.store.connection import Lost, NotSent, StoreConnection

ADD = Script("redis.call('SADD', KEYS[1], ARGV[1]) return redis.call('SCARD', KEYS[1])")
READ = Script("return redis.call('SMEMBERS', KEYS[1])")
ONCE = Script("return redis.call('EXISTS', KEYS[1]) == 1 and 0 or redis.call('SADD', KEYS[1], 'a')")


async def test_a_write_is_read_back_and_known_to_be_replicated(store, redis_pair):
    written = await store.write(ADD, ["s"], ["a"])
    assert (written.value, written.replicated) == (1, True)
    assert await store.read(READ, ["s"]) == [b"a"]
    assert redis_pair.replica.client.smembers("s") == {b"a"}, "on the replica when the answer came"


async def test_plain_read_commands(store):
    await store.redis.hset("h", mapping={"a": 1, "b": 2})
    assert await store.query("HMGET", "h", "a", b"b", "c") == [b"1", b"2", None]


async def test_a_reading_script_may_not_write(store):
    with pytest.raises(ResponseError, match="read-only"):
        await store.read(ADD, ["s"], ["a"])


async def test_errors_that_a_script_returns_reach_the_caller(store):
    taken = Script("return redis.error_reply('TAKEN by somebody else')")
    with pytest.raises(ResponseError, match="TAKEN by somebody else"):
        await store.write(taken)
    with pytest.raises(ResponseError, match="TAKEN by somebody else"):
        await store.read(taken)


async def test_scripts_that_the_server_forgot_are_sent_again(store, sentinels):
    forget = sentinels.pair.primary.client.script_flush
    await store.write(ADD, ["s"], ["a"])
    await store.read(READ, ["s"])
    forget()
    assert await store.read(READ, ["s"]) == [b"a"]
    forget()
    assert (await store.write(ADD, ["s"], ["b"])).value == 2
    forget()
    assert (await store.write(ADD, ["s"], ["c"], replicate=False)).value == 3


async def test_many_at_once_get_their_own_answers_over_few_connections(store, redis_pair):
    async def one(number: int) -> None:
        written = await store.write(ADD, [f"s{number}"], [number])
        assert written == (1, True)
        assert await store.read(READ, [f"s{number}"]) == [str(number).encode()]

    others = len(redis_pair.primary.client.client_list())
    await asyncio.gather(*(one(number) for number in range(300)))
    assert len(redis_pair.primary.client.client_list()) <= others + 2


async def test_a_caller_that_leaves_disturbs_nobody(store):
    slow = Script("local n = 0 for i = 1, 3000000 do n = n + i end return n")
    leaving = asyncio.ensure_future(store.read(slow))
    staying = [asyncio.ensure_future(store.query("ECHO", str(number))) for number in range(10)]
    for _ in range(3):  # turns of the loop, until the command has left
        await asyncio.sleep(0)
    leaving.cancel()
    assert await asyncio.gather(*staying) == [str(number).encode() for number in range(10)]
    assert leaving.cancelled()


async def test_without_replica_the_first_write_waits_and_the_others_do_not(sentinels, redis_pair):
    store = Store(sentinels.addresses, access=sentinels.access)
    redis_pair.replica.pause()
    try:
        first = await timed(store.write(ADD, ["s"], ["a"]))
        second = await timed(store.write(ADD, ["s"], ["b"]))
        replayed = await timed(store.write(ONCE, ["s"]))
    finally:
        redis_pair.replica.resume()
    assert not first.result.replicated
    assert 0.2 <= first.seconds < 0.4
    assert not second.result.replicated
    assert second.seconds < 0.05
    assert replayed.result == (0, False), "a replay writes nothing, yet is no safer than the first"
    async with asyncio.timeout(5):
        while not (await store.write(ADD, ["s"], ["c"])).replicated:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await store.close()


async def test_required_refuses_what_is_not_replicated(sentinels, redis_pair):
    store = Store(sentinels.addresses, replication="required", access=sentinels.access)
    assert (await store.write(ADD, ["s"], ["a"])).replicated
    redis_pair.replica.pause()
    try:
        with pytest.raises(Problem) as refused:
            await store.write(ADD, ["s"], ["b"])
    finally:
        redis_pair.replica.resume()
    assert (refused.value.status, refused.value.slug) == (503, "not-replicated")
    assert refused.value.headers["Retry-After"]
    redis_pair.wait_for_replica()
    await store.close()


async def test_off_asks_nobody(sentinels):
    store = Store(sentinels.addresses, replication="off", access=sentinels.access)
    assert not (await store.write(ADD, ["s"], ["a"])).replicated
    await store.close()


async def test_a_store_out_of_memory_reads_but_refuses_writes_by_a_problem(store, redis_pair):
    await store.write(ADD, ["s"], ["a"])
    redis_pair.primary.client.config_set("maxmemory", 1)
    try:
        with pytest.raises(Problem, match="OOM") as refused:
            await store.write(ADD, ["s"], ["b"])
        assert refused.value.slug == "store-unavailable"
        assert await store.query("SCARD", "s") == 1
    finally:
        redis_pair.primary.client.config_set("maxmemory", 0)


async def test_nobody_there_is_a_problem_within_the_deadline():
    store = Store([Address("127.0.0.1", 1)])
    await store.start()
    for attempt in (store.query("GET", "x"), store.write(ADD, ["s"], ["a"])):
        begin = time.monotonic()
        with deadline.deadline_within(0.4), pytest.raises(Problem) as problem:
            await attempt
        assert problem.value.slug == "store-unavailable"
        assert time.monotonic() - begin < 0.6
    assert not await store.ready()
    await store.close()


async def test_nobody_there_means_not_done_but_not_after_a_write_that_was(sentinels):
    away, store = Store([Address("127.0.0.1", 1)]), Store(sentinels.addresses, access=sentinels.access)
    assert await said_not_done(away.write(ADD, ["s"], ["a"]))
    assert await said_not_done(away.query("GET", "x"))
    await store.write(ADD, ["s"], ["a"])
    assert not await said_not_done(away.write(ADD, ["s"], ["a"]))
    assert not await said_not_done(away.query("GET", "x"))
    await away.close()
    await store.close()


@pytest.mark.parametrize("repeatable", [False, True])
async def test_a_write_that_was_sent_and_lost_is_never_said_to_be_not_done(repeatable):
    def lose(attempts: list[int]):
        async def attempt():
            attempts.append(1)
            raise Lost("sent") if len(attempts) == 1 else NotSent("then nobody was there")

        return attempt

    attempts: list[int] = []
    store = Store([Address("127.0.0.1", 1)])
    lost = store._write(lose(attempts), store._writing, repeatable)
    assert not await said_not_done(lost)
    assert (len(attempts) > 1) == repeatable
    await store.close()


async def test_a_store_without_room_does_not_send_anybody_elsewhere(store, redis_pair):
    redis_pair.primary.client.config_set("maxmemory", 1)
    try:
        assert not await said_not_done(store.write(ADD, ["s"], ["b"]))
    finally:
        redis_pair.primary.client.config_set("maxmemory", 0)


async def test_a_link_that_is_lost_after_the_scripts_were_run_is_not_one_they_were_not_sent_on():
    class Closing:
        scripts: ClassVar[set[bytes]] = set()

        async def pipeline(self, commands):
            return [1, None, 0]

        def call(self, *command):
            raise NotSent("closed meanwhile")

    class Opened:
        connection = Closing()

        async def open(self):
            return self.connection

    async def nobody():
        return None

    with pytest.raises(Lost) as lost:
        await Commits(Opened(), Confirmation(nobody)).commit(ADD, ["s"], ["a"])
    assert not isinstance(lost.value, NotSent)


async def said_not_done(work) -> bool:
    """Whether work is refused with 503, and as not done."""
    with deadline.deadline_within(0.3), pytest.raises(Problem) as problem:
        await work
    assert (problem.value.status, problem.value.slug) == (503, "store-unavailable")
    return not_done.HEADER in problem.value.headers


async def test_an_argument_that_redis_cannot_have_is_an_error_at_once(store):
    with pytest.raises(TypeError):
        await store.write(ADD, ["s"], [None])
    with pytest.raises(TypeError):
        await store.query("GET", None)
    assert (await store.write(ADD, ["s"], ["a"])).replicated


async def test_ready(store):
    assert await store.ready()


async def test_a_link_to_the_wrong_role_is_refused(sentinels):
    with pytest.raises(Lost, match="is not b'master'"):
        await StoreConnection.open(sentinels.pair.replica.address, 1.0, b"master", sentinels.access)


@pytest.mark.parametrize("access", [None, Access("service", "wrong"), Access("nobody", "anything")])
async def test_a_link_to_a_server_that_does_not_know_who_asks_is_none(sentinels, access):
    for server in (sentinels.pair.primary, sentinels.servers[0]):
        with pytest.raises(NotSent, match="refuses"):
            await StoreConnection.open(server.address, 1.0, access=access)


async def test_closing_leaves_no_task(sentinels):
    before = asyncio.all_tasks()
    store = Store(sentinels.addresses, access=sentinels.access)
    await store.start()
    await store.write(ADD, ["s"], ["a"])
    await store.redis.ping()
    await store.close()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


class timed:
    """Await something and keep how long it took."""

    def __init__(self, work):
        self._work = work

    def __await__(self):
        begin = time.monotonic()
        self.result = yield from self._work.__await__()
        self.seconds = time.monotonic() - begin
        return self
