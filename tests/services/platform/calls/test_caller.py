"""What a caller makes of replicas that fail, hang, are busy, die or freeze."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services.platform import request_ids
from services.platform.calls import Caller, caller, deadline
from services.platform.metrics import Metrics
from services.platform.problems import Problem
from services.platform.protections import Protections
from services.platform.settings import Address, Replica, Settings

HANG = 0
CLOSE = -1


@dataclass
class Peer:
    """A replica in this process: answers with `status`, hangs, or closes the connection."""

    place: str
    status: int = 200
    extra: bytes = b""
    body: bytes = b"ok"
    requests: list[bytes] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    server: asyncio.Server | None = None
    port: int = 0

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        self.server.close()

    @property
    def replica(self) -> Replica:
        return Replica(self.place, Address("127.0.0.1", self.port))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                if self.status == HANG:
                    await self.release.wait()
                if self.status == CLOSE:
                    break
                head = b"HTTP/1.1 %d X\r\n%bcontent-length: %d\r\n\r\n"
                writer.write(head % (self.status, self.extra, len(self.body)) + self.body)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()


class Setup:
    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self.protections = Protections()
        self.metrics = Metrics(Settings("frontend", Address("127.0.0.1", 0), Path(), Path()))

    async def peers(self, *places: str) -> list[Peer]:
        peers = [Peer(place) for place in places]
        for peer in peers:
            await peer.start()
            self._stack.callback(peer.stop)
            self._stack.callback(peer.release.set)
        return peers

    def caller(self, *peers: Peer, **more) -> Caller:
        made = Caller(
            "post",
            [p.replica for p in peers],
            "east",
            None,
            self.protections,
            self.metrics,
            **{"attempt_seconds": 0.15, **more},
        )
        self._stack.push_async_callback(made.close)
        return made


@pytest.fixture
async def setup() -> AsyncIterator[Setup]:
    async with AsyncExitStack() as stack:
        yield Setup(stack)


async def get(caller: Caller, idempotent: bool = True):
    return await caller.send(b"GET", b"/x", idempotent=idempotent)


async def answers(caller: Caller, times: int, idempotent: bool = True) -> Counter[str]:
    """Where calls were answered from, or with which problem."""
    found: Counter[str] = Counter()
    for _ in range(times):
        try:
            answer = await get(caller, idempotent)
            found[f"{answer.replica.place} {answer.status}"] += 1
        except Problem as problem:
            found[problem.slug] += 1
    return found


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 (conditions of many kinds)
            await asyncio.sleep(0.005)


async def test_its_own_place_is_preferred(setup):
    west, east = await setup.peers("west", "east")
    assert await answers(setup.caller(west, east), 5) == {"east 200": 5}


async def test_when_there_is_much_to_do_the_other_place_helps(setup):
    east, west = await setup.peers("east", "west")
    east.status = west.status = HANG
    making = setup.caller(east, west, attempt_seconds=5)
    calls = [asyncio.create_task(get(making)) for _ in range(40)]
    await until(lambda: len(east.requests) + len(west.requests) == 40)
    assert len(east.requests) == 28
    east.status = west.status = 200
    east.release.set()
    west.release.set()
    await asyncio.gather(*calls)


async def test_headers_of_a_call(setup):
    (east,) = await setup.peers("east")
    token = request_ids.current.set("abc")
    with deadline.deadline_within(0.1):
        at = deadline.current()
        await setup.caller(east).send(b"GET", b"/x", [(b"a", b"b")], idempotent=True)
    request_ids.current.reset(token)
    sent = dict(line.split(b": ", 1) for line in east.requests[0].split(b"\r\n")[1:-2])
    assert sent[b"a"] == b"b"
    assert sent[b"failwhale-request"] == b"abc"
    assert float(sent[b"failwhale-deadline"]) == pytest.approx(at, abs=0.01)


@pytest.mark.parametrize("status", [500, 503, CLOSE, HANG])
async def test_what_fails_is_repeated_elsewhere_where_that_is_safe(setup, status):
    east, west = await setup.peers("east", "west")
    east.status = status
    assert await answers(setup.caller(east, west), 1) == {"west 200": 1}
    assert setup.metrics.retries("post", "sent")._value.get() == 1


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(500, "east 500"), (503, "east 503"), (CLOSE, "service-unreachable"), (HANG, "service-too-slow")],
)
async def test_and_is_told_as_it_is_where_it_is_not(setup, status, outcome):
    east, west = await setup.peers("east", "west")
    east.status = status
    assert await answers(setup.caller(east, west), 1, idempotent=False) == {outcome: 1}
    assert not west.requests


async def test_a_call_that_reached_nobody_goes_elsewhere_even_if_it_may_not_be_repeated(setup):
    east, west = await setup.peers("east", "west")
    making = setup.caller(east, west)
    east.stop()
    await east.server.wait_closed()
    assert await answers(making, 5, idempotent=False) == {"west 200": 5}


NOT_DONE = b"retry-after: 1\r\nfailwhale-not-done: store\r\n"


async def test_what_was_certainly_not_done_goes_elsewhere_even_if_it_may_not_be_repeated(setup):
    east, west = await setup.peers("east", "west")
    east.status, east.extra = 503, NOT_DONE
    assert await answers(setup.caller(east, west), 1, idempotent=False) == {"west 200": 1}


@pytest.mark.parametrize("status", [200, 409, 500, 504])
async def test_only_a_503_can_say_that_nothing_was_done(setup, status):
    east, west = await setup.peers("east", "west")
    east.status, east.extra = status, NOT_DONE
    assert await answers(setup.caller(east, west), 1, idempotent=False) == {f"east {status}": 1}
    assert not west.requests


async def test_what_nobody_could_do_is_told_once(setup):
    east, west = await setup.peers("east", "west")
    for peer in (east, west):
        peer.status, peer.extra = 503, NOT_DONE
    assert await answers(setup.caller(east, west), 1, idempotent=False) == {"west 503": 1}
    assert (len(east.requests), len(west.requests)) == (1, 1)


async def test_retries_that_are_switched_off_are_off_for_what_was_not_done_too(setup):
    east, west = await setup.peers("east", "west")
    east.status, east.extra = 503, NOT_DONE
    setup.protections.switch("retries", False)
    assert await answers(setup.caller(east, west), 1, idempotent=False) == {"east 503": 1}


async def test_one_that_cannot_reach_the_store_is_set_aside_by_its_own_word_and_comes_back(setup):
    east, west = await setup.peers("east", "west")
    making = setup.caller(east, west)
    east.status, east.extra = 503, NOT_DONE
    assert await answers(making, 5, idempotent=False) == {"west 200": 5}
    assert len(east.requests) == 1
    east.status, east.extra = 200, b""
    async with asyncio.timeout(3):
        while (await get(making)).replica.place != "east":  # noqa: ASYNC110 (it takes calls to find out)
            await asyncio.sleep(0.02)


async def test_a_stream_that_is_refused_for_the_store_opens_elsewhere(setup):
    east, west = await setup.peers("east", "west")
    east.status, east.extra = 503, NOT_DONE
    for _ in range(2):
        async with setup.caller(east, west).stream(b"GET", b"/stream") as stream:
            assert (stream.status, stream.replica.place) == (200, "west")


async def test_without_retries_a_failure_is_a_failure(setup):
    east, west = await setup.peers("east", "west")
    east.status = CLOSE
    setup.protections.switch("retries", False)
    assert (await answers(setup.caller(east, west), 1)) == {"service-unreachable": 1}


async def test_the_budget_bounds_retries(setup):
    east, west = await setup.peers("east", "west")
    east.status = west.status = 500
    told = await answers(setup.caller(east, west), 200)
    assert told["east 500"] + told["west 500"] == 200
    retries = len(east.requests) + len(west.requests) - 200
    assert 50 < retries <= 30 + 0.2 * 200 + 10, "saved up, the share, and some by the second"
    assert setup.metrics.retries("post", "refused")._value.get() > 50


async def test_one_that_fails_is_set_aside_and_comes_back(setup):
    east, west = await setup.peers("east", "west")
    making = setup.caller(east, west)
    east.status = 500
    await answers(making, 10)
    assert len(east.requests) == 3
    assert setup.metrics.ejections("post@east")._value.get() == 1
    assert setup.metrics.replica_ejected("post@east")._value.get() == 1
    east.status = 200
    async with asyncio.timeout(3):
        while (await get(making)).replica.place != "east":  # noqa: ASYNC110 (it takes calls to find out)
            await asyncio.sleep(0.02)
    assert setup.metrics.replica_ejected("post@east")._value.get() == 0
    assert await answers(making, 5) == {"east 200": 5}


async def test_a_trial_that_fails_costs_one_call_and_longer_absence(setup):
    east, west = await setup.peers("east", "west")
    making = setup.caller(east, west)
    east.status = HANG
    await answers(making, 3)
    tried = len(east.requests)
    began = time.monotonic()
    async with asyncio.timeout(4):
        while len(east.requests) < tried + 2:
            assert await answers(making, 4) == {"west 200": 4}
            await asyncio.sleep(0.02)
    assert time.monotonic() - began > 0.5 + 1.0 - 0.2
    assert len(east.requests) == tried + 2


async def test_never_are_all_set_aside(setup):
    east, west = await setup.peers("east", "west")
    making = setup.caller(east, west)
    east.status = west.status = 500
    await answers(making, 20)
    east.status = west.status = 200
    assert (await get(making)).status == 200


async def test_being_busy_is_no_reason_to_be_set_aside(setup):
    east, west = await setup.peers("east", "west")
    making = setup.caller(east, west)
    east.status, east.extra = 503, b"retry-after: 1\r\n"
    await answers(making, 10)
    assert len(east.requests) == 10
    east.status = 504
    await answers(making, 5, idempotent=False)
    assert len(east.requests) == 15


async def test_without_ejection_a_failing_one_is_called_again_and_again(setup):
    east, west = await setup.peers("east", "west")
    setup.protections.switch("ejection", False)
    east.status = 500
    await answers(setup.caller(east, west), 10)
    assert len(east.requests) == 10


async def test_calls_over_the_bound_are_refused_at_once(setup):
    east, west = await setup.peers("east", "west")
    east.status = west.status = HANG
    making = setup.caller(east, west, in_flight=2, attempt_seconds=5)
    calls = [asyncio.create_task(get(making)) for _ in range(5)]
    done, waiting = await asyncio.wait(calls, timeout=0.1)
    (refused,) = done
    assert (refused.exception().status, refused.exception().slug) == (503, "overloaded")
    assert refused.exception().headers["Retry-After"]
    setup.protections.switch("shedding", False)
    waiting.add(asyncio.create_task(get(making)))
    await until(lambda: len(east.requests) + len(west.requests) == 5)
    east.status = west.status = 200
    east.release.set()
    west.release.set()
    assert {(await call).status for call in waiting} == {200}


async def test_the_deadline_ends_all_attempts(setup):
    east, west = await setup.peers("east", "west")
    east.status = west.status = HANG
    making = setup.caller(east, west, attempt_seconds=1)
    began = time.monotonic()
    with deadline.deadline_within(0.2), pytest.raises(Problem) as late:
        await get(making)
    assert time.monotonic() - began < 0.4
    assert late.value.status == 504
    with deadline.deadline_within(-1), pytest.raises(Problem, match="too-late"):
        await get(making)


async def test_without_deadlines_it_waits(setup, monkeypatch):
    (east,) = await setup.peers("east")
    monkeypatch.setattr(caller, "SECONDS_WITHOUT_DEADLINES", 1.0)
    setup.protections.switch("deadlines", False)
    east.status = HANG
    began = time.monotonic()
    with deadline.deadline_within(0.1):
        assert await answers(setup.caller(east), 1, idempotent=False) == {"service-too-slow": 1}
    assert time.monotonic() - began >= 0.9


async def test_little_time_left_says_nothing_about_a_replica(setup):
    (east,) = await setup.peers("east")
    east.status = HANG
    making = setup.caller(east, attempt_seconds=1)
    for _ in range(5):
        with deadline.deadline_within(0.03):
            await answers(making, 1)
    assert setup.metrics.ejections("post@east")._value.get() == 0


async def test_a_stream_passes_and_does_not_count_as_in_flight(setup):
    east, west = await setup.peers("east", "west")
    making = setup.caller(east, west, in_flight=1)
    east.status = CLOSE
    async with making.stream(b"GET", b"/stream") as stream:
        assert (stream.status, stream.replica.place) == (200, "west")
        assert [piece async for piece in stream.body] == [b"ok"]
        assert (await get(making)).status == 200


SERVER = """
import asyncio, sys
async def serve(reader, writer):
    try:
        while True:
            await reader.readuntil(b"\\r\\n\\r\\n")
            writer.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nok")
    except (asyncio.IncompleteReadError, OSError):
        writer.close()
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


@contextmanager
def process():
    """A replica in a process of its own, and its port."""
    running = subprocess.Popen([sys.executable, "-S", "-c", SERVER], stdout=subprocess.PIPE)
    try:
        yield running, int(running.stdout.readline())
    finally:
        running.kill()
        running.wait()
        running.stdout.close()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_with_one_of_two_dead_or_frozen_calls_go_on(setup, how):
    with process() as (east, east_port), process() as (_, west_port):
        replicas = [
            Replica("east", Address("127.0.0.1", east_port)),
            Replica("west", Address("127.0.0.1", west_port)),
        ]
        making = Caller("post", replicas, "east", None, setup.protections)
        outcomes: list[tuple[float, bool, float]] = []

        async def call(idempotent: bool) -> None:
            began = time.monotonic()
            try:
                with deadline.deadline_within(3):
                    good = (await get(making, idempotent)).status == 200
            except Problem:
                good = False
            outcomes.append((began, good, time.monotonic() - began))

        calls = []
        ends = time.monotonic() + 3.0
        hurt_at = None
        while time.monotonic() < ends:
            if hurt_at is None and time.monotonic() > ends - 2.7:
                east.send_signal(how)
                hurt_at = time.monotonic()
            calls.append(asyncio.create_task(call(idempotent=len(calls) % 4 != 0)))
            await asyncio.sleep(0.004)
        await asyncio.gather(*calls)
        await making.close()
    later = [(good, seconds) for began, good, seconds in outcomes if began > hurt_at + 1.0]
    assert len(later) > 100
    assert sum(not good for good, _ in later) < 0.01 * len(later)
    slow = sum(seconds > 0.5 for _, seconds in later)
    assert slow < 0.02 * len(later), "nothing waits for one that is ejected"


async def test_with_all_connections_taken_calls_are_refused_at_once_and_afterwards_go_on(setup):
    east, west = await setup.peers("east", "west")
    making = setup.caller(east, west, in_flight=2)
    with making.exhausted():
        assert await answers(making, 3) == {"overloaded": 3}
        assert not east.requests
        setup.protections.switch("shedding", False)
        assert await answers(making, 1) == {"east 200": 1}
        setup.protections.switch("shedding", True)
    assert await answers(making, 3) == {"east 200": 3}


async def test_what_is_let_go_of_is_what_was_meant(setup):
    east, west = await setup.peers("east", "west")
    making = setup.caller(east, west)
    reached = await making.reach()
    assert {name: one.error for name, one in reached.items()} == {"post@east": "", "post@west": ""}
    kept = [await pool._connect(1.0) for pool in (backend.pool for backend, _ in making._backends)]
    making.let_go([str(west.replica.address)])
    assert [connection.is_old() for connection in kept] == [False, True]
    making.let_go()
    assert [connection.is_old() for connection in kept] == [True, True]
