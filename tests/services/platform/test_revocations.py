from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from redis.asyncio.client import PubSub

from services.platform import keys, revocations
from services.platform.identity import User
from services.platform.revocations import Revocations
from services.platform.store import Store
from services.platform.tasks import cancel_all
from services.platform.tokens import Session

ANN = User(7, "ann")


def session(sid: str, *, user: User = ANN, issued: float | None = None, lasts: float = 60) -> Session:
    now = time.time()
    return Session(user, sid, issued or now, now + lasts)


async def becomes_true(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what happens in another task has no event
            await asyncio.sleep(0.005)


@asynccontextmanager
async def following(knowledge: Revocations) -> AsyncIterator[None]:
    """As a service does while it runs."""
    tasks = [asyncio.create_task(work) for work in (knowledge.poll(), knowledge.listen())]
    try:
        yield
    finally:
        await cancel_all(tasks)


@pytest.fixture
async def elsewhere(store: Store) -> AsyncIterator[Revocations]:
    """What another process knows, which follows the store."""
    followed = Revocations(store)
    async with following(followed):
        yield followed


async def test_one_session(store: Store, elsewhere: Revocations) -> None:
    here = Revocations(store)
    ended, other = session("a"), session("b")
    await here.revoke(ended)
    assert here.is_revoked(ended)
    await becomes_true(lambda: elsewhere.is_revoked(ended))
    assert not here.is_revoked(other)
    assert not elsewhere.is_revoked(other)


async def test_all_sessions_of_an_account(store: Store, elsewhere: Revocations) -> None:
    here = Revocations(store)
    before, of_bob = session("a"), session("b", user=User(8, "bob"))
    await here.revoke_all(ANN, 60)
    after = session("c", issued=time.time() + 0.001)
    await becomes_true(lambda: elsewhere.is_revoked(before))
    for known in (here, elsewhere):
        assert known.is_revoked(before)
        assert not known.is_revoked(after), "who signs in again is signed in"
        assert not known.is_revoked(of_bob)


async def test_a_process_whose_clock_is_ahead_makes_no_session_good_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, ahead = session("a", lasts=60), time.time() + 7200
    await Revocations(store).revoke(ended)
    with monkeypatch.context() as stepped:
        stepped.setattr(time, "time", lambda: ahead)
        await Revocations(store).revoke(session("b", lasts=9000))
    started_since = Revocations(store)
    async with following(started_since):
        await started_since.wait_until_known(5)
        assert started_since.is_revoked(ended)


async def test_is_heard_of_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocations, "POLL_SECONDS", 60)
    elsewhere, ended = Revocations(store), session("a")
    async with following(elsewhere):
        await becomes_true_that_somebody_listens(store)
        await Revocations(store).revoke(ended)
        await becomes_true(lambda: elsewhere.is_revoked(ended))


async def becomes_true_that_somebody_listens(store: Store) -> None:
    async with asyncio.timeout(5):
        while (await store.query("PUBSUB", "NUMSUB", keys.REVOKED))[1] == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_stops_although_a_cancellation_was_swallowed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening, swallowed = asyncio.Event(), []

    async def careless(_: PubSub) -> AsyncIterator[bytes]:
        while True:
            listening.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError as cancelled:
                if swallowed:
                    raise
                swallowed.append(cancelled)  # as asyncio.wait_for may in redis-py, before Python 3.12
            yield b"no revocation"

    monkeypatch.setattr(revocations, "messages", careless)
    async with asyncio.timeout(5), following(Revocations(store)):
        await listening.wait()
    assert swallowed


async def test_who_starts_later_learns_what_was_before(store: Store) -> None:
    ended = session("a")
    await Revocations(store).revoke(ended)
    late = Revocations(store)
    async with following(late):
        await becomes_true(lambda: late.is_revoked(ended))


async def test_what_has_expired_is_forgotten_everywhere(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocations, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(revocations, "KEPT_SECONDS", 0)
    here = Revocations(store)
    await here.revoke(session("short", lasts=0.2))
    await here.revoke_all(ANN, 0.2)
    async with following(here):
        await becomes_true(lambda: not here._sessions and not here._accounts)
    await here.revoke(session("long"))
    assert await store.query("ZRANGE", keys.REVOKED, 0, -1) == [b"long"]


async def test_the_longest_expiry_counts(store: Store) -> None:
    here = Revocations(store)
    long = session("a", lasts=60)
    await here.revoke(long)
    await here.revoke(session("a", lasts=1))
    score = await store.query("ZSCORE", keys.REVOKED, "a")
    assert float(score) == pytest.approx(long.expires, abs=0.01)


async def test_what_is_no_revocation_does_no_harm(store: Store, elsewhere: Revocations) -> None:
    for entry in (b"\xff", b"ann:soon", b"7:"):
        await store.redis.zadd(keys.REVOKED, {entry: time.time() + 60})
        await store.redis.publish(keys.REVOKED, entry + b" soon")
    ended = session("a")
    await Revocations(store).revoke(ended)
    await becomes_true(lambda: elsewhere.is_revoked(ended))
