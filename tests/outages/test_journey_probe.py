"""A probe: when its attempts begin, what each of them says, and what they add up to. Time is virtual here."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from math import inf
from pathlib import Path
from typing import Any

import pytest
from virtual_time import VirtualClock, VirtualLoop, play

from foundation.clock import parse
from foundation.ledger import Record
from outages import journey_probe as module
from outages.cast import Cast
from outages.edges import PublicEdge
from outages.failures import Failed
from outages.journey_probe import (
    MOST_IN_FLIGHT,
    NORMAL_EVERY,
    STOPPING,
    TIDY_SECONDS,
    TROUBLED_EVERY,
    JourneyProbe,
)
from outages.journeys.journey import Journey
from outages.tracker import NoData
from outages.visit import AttemptLeftOut, Cleanup, Untested, Visit

EAST, WEST = PublicEdge("east", "https://localhost:1"), PublicEdge("west", "https://localhost:2")
TLS = ssl.create_default_context

Attempt = Callable[[Visit], Awaitable[None]]


class Book:
    """A ledger in memory."""

    def __init__(self) -> None:
        self.rows: list[Record] = []

    def append(self, kind: str, **fields: Any) -> None:
        for name in ("start", "end"):
            if fields.get(name) is not None:
                fields[name] = round(parse(fields[name]) - 1000.0, 3)
        self.rows.append({"kind": kind, **fields})

    def of(self, *kinds: str) -> list[Record]:
        return [row for row in self.rows if row["kind"] in kinds]


class Stage:
    """One probe, whose attempts do what `attempt` says at the time."""

    def __init__(self, loop: VirtualLoop, attempt: Attempt, *, settled_at: float = 0.0, **more: Any) -> None:
        self.loop = loop
        self.attempt = attempt
        self.begun: list[float] = []
        self.visits: list[Visit] = []
        self.observed: list[tuple[str, str, float]] = []
        self.discarded: list[Cleanup] = []
        self.stalled_at = -1.0
        self.book = Book()
        self.cast = Cast(Path("nowhere"))
        journey = Journey("page", self._attempt, **{"needs_cast": False, **more})
        self.probe = JourneyProbe(
            journey,
            [EAST, WEST],
            TLS,
            self.cast,
            self.book,  # type: ignore[arg-type]
            VirtualClock(loop),
            settled_at=settled_at,
            observe=lambda *told: self.observed.append((told[0], told[1], round(told[2], 3))),
            discard=self.discarded.extend,
            stalled_since=lambda start: self.stalled_at > start,
        )

    async def _attempt(self, visit: Visit, cast: Cast) -> None:
        assert cast is self.cast
        self.begun.append(round(self.loop.time(), 3))
        self.visits.append(visit)
        await self.attempt(visit)

    async def run(self, seconds: float, *, phase: float = 0.0) -> None:
        """Let the probe run until that time."""
        running = asyncio.create_task(self.probe.run(phase))
        await self.until(seconds)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    async def until(self, seconds: float) -> None:
        await asyncio.sleep(seconds - self.loop.time())

    async def one(self, seconds: float = 20.0) -> None:
        """One attempt that begins now, and time for it to end."""
        self.probe._begin(self.loop.time())
        await asyncio.sleep(seconds)


async def good(visit: Visit) -> None:
    await asyncio.sleep(0.01)


async def slow(visit: Visit) -> None:
    await asyncio.sleep(1.5)


async def refused(visit: Visit) -> None:
    visit.step = "GET / at east"
    raise Failed("refused", "nobody there")


async def hang(visit: Visit) -> None:
    visit.step = "GET / at east"
    await asyncio.sleep(1000)


def between(begin: float, end: float, then: Attempt, otherwise: Attempt = good) -> Attempt:
    async def attempt(visit: Visit) -> None:
        bad = begin <= asyncio.get_running_loop().time() < end
        await (then if bad else otherwise)(visit)

    return attempt


def in_turn(*attempts: Attempt) -> Attempt:
    left = list(attempts)

    async def attempt(visit: Visit) -> None:
        await (left.pop(0) if left else good)(visit)

    return attempt


def every(seconds: float, begin: float, end: float) -> list[float]:
    return [round(begin + seconds * number, 3) for number in range(round((end - begin) / seconds) + 1)]


# --- schedule ---


def test_attempts_begin_when_they_are_due_however_slow_the_others_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, lambda visit: asyncio.sleep(0.9))
        await stage.run(3.05)
        return stage

    assert play(scene, monkeypatch).begun == every(NORMAL_EVERY, 0, 3)


def test_the_first_attempt_is_put_off_by_a_share_of_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, good)
        await stage.run(1.3, phase=0.5)
        return stage

    assert play(scene, monkeypatch).begun == [0.25, 0.75, 1.25]


def test_in_trouble_attempts_are_made_more_often_and_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def late_failure(visit: Visit) -> None:
        await asyncio.sleep(0.1)
        raise Failed("closed")

    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, between(0.9, 1.6, late_failure))
        await stage.run(3.45)
        return stage

    stage = play(scene, monkeypatch)
    # The failure at 1.0 is known at 1.1, and trouble ends with the third good one, which began at 2.1.
    assert stage.begun == [0, 0.5, 1.0, *every(TROUBLED_EVERY, 1.3, 2.3), 2.8, 3.3]


def test_what_is_due_sooner_is_not_put_off_by_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    async def late_failure(visit: Visit) -> None:
        await asyncio.sleep(0.4)
        raise Failed("closed")

    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, between(0.9, 1.1, late_failure))
        await stage.run(1.75)
        return stage

    assert play(scene, monkeypatch).begun == [0, 0.5, 1.0, 1.5, 1.7]


def test_slowness_is_trouble_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, in_turn(slow))
        await stage.run(2.55)
        return stage

    assert play(scene, monkeypatch).begun[:6] == [0, 0.5, 1.0, 1.5, 1.7, 1.9]


def test_what_a_prober_that_stood_still_missed_is_counted_and_not_made_up_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, good)

        def stand_still() -> None:
            loop.stand_still(10.0)
            stage.stalled_at = loop.time()

        loop.call_at(1.2, stand_still)
        loop.call_at(13.2, stand_still)
        await stage.run(23.4)
        return stage

    stage = play(scene, monkeypatch)
    # Due at 1.5 and begun at 11.2; of those that were due meanwhile, from 2.0 on, only the last one is made.
    assert stage.begun == [0, 0.5, 1.0, 11.2, 11.2, 11.5, 12.0, 12.5, 13.0, 23.2, 23.2]
    assert stage.probe.counts["left-out"] == 18 + 18


def test_a_little_lateness_leaves_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, good)
        loop.call_at(1.2, loop.stand_still, 1.25)
        await stage.run(3.2)
        return stage

    stage = play(scene, monkeypatch)
    assert stage.begun == [0, 0.5, 1.0, 2.45, 2.45, 2.5, 3.0]
    assert stage.probe.counts["left-out"] == 0


def test_nobody_tries_before_there_is_a_cast(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, good, needs_cast=True)
        await stage.run(0.7)
        assert stage.begun == []
        stage.cast.playable = True
        await stage.one()
        return stage

    stage = play(scene, monkeypatch)
    assert (len(stage.begun), stage.probe.counts) == (1, Counter(good=1))


def test_only_so_many_attempts_are_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, hang, limit=1000.0)
        await stage.run(NORMAL_EVERY * (MOST_IN_FLIGHT + 2) - 0.1)
        assert len(stage.begun) == MOST_IN_FLIGHT
        assert stage.probe.counts == Counter({"left-out": 2})
        await stage.probe.stop()
        await stage.one(0.1)  # those that have ended are in flight no more
        assert len(stage.begun) == MOST_IN_FLIGHT + 1
        return stage

    play(scene, monkeypatch)


# --- one attempt ---


def one(monkeypatch: pytest.MonkeyPatch, attempt: Attempt, **more: Any) -> Stage:
    """One attempt at time 0, after a good one if the probe is asked to have been well."""

    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, attempt, **more)
        await stage.one()
        return stage

    stage = play(scene, monkeypatch)
    assert isinstance(stage, Stage)
    return stage


def test_a_good_attempt_is_counted_and_leaves_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = one(monkeypatch, good)
    assert stage.probe.counts == Counter(good=1)
    assert (stage.probe.attempts, stage.probe.failed, stage.probe.said_nothing) == (1, 0, 0)
    assert stage.observed == [("page", "good", 0.01)]
    assert (stage.book.rows, stage.probe.last_error) == ([], "")


def test_a_failed_attempt_is_told_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(visit: Visit) -> None:
        visit.tried, visit.edge = ["west", "east"], "east"
        visit.step = "handshake with east"
        await asyncio.sleep(0.25)
        raise Failed("refused", "nobody there")

    stage = one(monkeypatch, fail)
    assert stage.book.rows[0] == {
        "kind": "attempt.failed",
        "journey": "page",
        "edge": "east",
        "tried": ["west", "east"],
        "start": 0.0,
        "end": 0.25,
        "connection": "fresh",
        "error": "refused",
        "detail": "nobody there",
        "step": "handshake with east",
    }
    assert stage.book.rows[1] == {
        "kind": "outage.opened",
        "journey": "page",
        "type": "down",
        "start": 0.0,
        "end": None,
        "attempts": 1,
        "failed": 1,
        "error": "refused: nobody there",
    }
    assert stage.observed == [("page", "bad", 0.25)]
    assert stage.probe.counts == Counter(bad=1)
    assert (stage.probe.attempts, stage.probe.failed, stage.probe.last_error) == (
        1,
        1,
        "refused: nobody there",
    )


def test_a_failure_without_details_says_how_long_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(visit: Visit) -> None:
        await asyncio.sleep(0.25)
        raise Failed("closed")

    stage = one(monkeypatch, fail)
    row = stage.book.rows[0]
    assert (row["error"], row["detail"], row["edge"], row["tried"]) == ("closed", "0.250 s", "", [])
    assert stage.probe.last_error == "closed"


def test_a_slow_attempt_is_told_and_is_not_a_failed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = one(monkeypatch, slow)
    attempt, outage = stage.book.rows
    assert (attempt["kind"], attempt["error"], attempt["detail"]) == ("attempt.slow", "slow", "1.500 s")
    assert (outage["kind"], outage["type"], outage["error"]) == ("outage.opened", "slow", "slow")
    assert stage.observed == [("page", "slow", 1.5)]
    assert (stage.probe.attempts, stage.probe.failed, stage.probe.last_error) == (1, 0, "slow")
    assert stage.probe.is_up


@pytest.mark.parametrize(("seconds", "outcome"), [(1.0, "good"), (1.01, "slow"), (2.9, "slow")])
def test_slow_is_what_takes_longer_than_the_bound(
    monkeypatch: pytest.MonkeyPatch, seconds: float, outcome: str
) -> None:
    assert one(monkeypatch, lambda visit: asyncio.sleep(seconds)).observed[0][1] == outcome


def test_what_takes_longer_than_the_limit_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = one(monkeypatch, hang)
    row = stage.book.rows[0]
    assert (row["error"], row["detail"], row["end"]) == ("time-out", "GET / at east", 3.0)
    assert stage.observed == [("page", "bad", 3.0)]


def test_the_limit_counts_from_when_the_attempt_was_due(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, hang)
        await asyncio.sleep(5.0)
        stage.probe._begin(4.0)
        await asyncio.sleep(20.0)
        return stage

    row = play(scene, monkeypatch).book.rows[0]
    assert (row["start"], row["end"]) == (4.0, 7.0)


def test_an_answer_of_another_shape_is_wrong_content(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(visit: Visit) -> None:
        visit.step = "GET /posts at west"
        raise KeyError("id")

    row = one(monkeypatch, fail).book.rows[0]
    assert (row["error"], row["detail"]) == ("wrong-content", "GET /posts at west: KeyError 'id'")


def test_an_answer_of_another_shape_to_another_journey_says_nothing_about_this_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def malformed(visit: Visit) -> None:
        visit.step = "POST /posts at west"
        with visit.precondition():
            raise KeyError("id")

    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, in_turn(good, malformed))
        await stage.run(0.6)
        return stage

    (row,) = play(scene, monkeypatch).book.rows
    why = "post: wrong-content: POST /posts at west: KeyError 'id'"
    assert (row["kind"], row["why"]) == ("no-data.opened", why)


def raising(error: Exception) -> Attempt:
    async def attempt(visit: Visit) -> None:
        raise error

    return attempt


async def hang_before(visit: Visit) -> None:
    with visit.precondition():
        await asyncio.sleep(1000)


@pytest.mark.parametrize(
    ("attempt", "word"),
    [
        (raising(Untested("no login")), "untested"),
        (raising(AttemptLeftOut("no code")), "left-out"),
        (hang_before, "untested"),
    ],
)
def test_an_attempt_that_says_nothing_is_counted_as_such(
    monkeypatch: pytest.MonkeyPatch, attempt: Attempt, word: str
) -> None:
    stage = one(monkeypatch, attempt)
    assert stage.probe.counts == Counter({word: 1})
    assert (stage.probe.attempts, stage.probe.said_nothing, stage.observed, stage.book.rows) == (0, 1, [], [])


@pytest.mark.parametrize("attempt", [good, refused, raising(AttemptLeftOut("no code"))])
def test_what_was_seen_while_the_prober_stood_still_says_nothing(
    monkeypatch: pytest.MonkeyPatch, attempt: Attempt
) -> None:
    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, attempt)
        stage.stalled_at = 0.5
        stage.probe._begin(loop.time())
        await stage.one()
        assert stage.probe.counts == Counter(untested=2)
        assert stage.probe.said_nothing == 2
        assert stage.book.rows == []
        stage.attempt = good
        await stage.one()
        return stage

    assert play(scene, monkeypatch).probe.counts == Counter(untested=2, good=1)


def test_the_time_of_a_precondition_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    async def attempt(visit: Visit) -> None:
        with visit.precondition():
            await asyncio.sleep(2.0)
        await asyncio.sleep(0.5)

    assert one(monkeypatch, attempt).observed == [("page", "good", 0.5)]


def test_both_edges_are_tried_in_turn_and_the_only_one_always(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(loop: VirtualLoop, edge: str | None) -> list[tuple[list[str], bool, float]]:
        stage = Stage(loop, good, edge=edge, limit=4.0)
        for _ in range(3):
            await stage.one()
        assert all(visit._tls is TLS for visit in stage.visits)
        return [
            ([edge.name for edge in visit.edges], visit._may_move, visit._limit) for visit in stage.visits
        ]

    both = [(["east", "west"], True, 4.0), (["west", "east"], True, 4.0), (["east", "west"], True, 4.0)]
    assert play(scene, monkeypatch, None) == both
    assert play(scene, monkeypatch, "west") == [(["west"], False, 4.0)] * 3


def test_an_attempt_tidies_up_and_hands_over_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[float] = []

    class Tidying(Visit):
        takes = 0.5

        async def tidy(self) -> list[Cleanup]:
            await asyncio.sleep(self.takes)
            self.cleanups.pop(0)
            return self.cleanups

        def close(self) -> None:
            closed.append(asyncio.get_running_loop().time())

    async def attempt(visit: Visit) -> None:
        for number in (1, 2):
            visit.undo_later("DELETE", f"/posts/{number}", None)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "Visit", Tidying)
    stage = one(monkeypatch, attempt)
    assert closed == [0.5]
    assert [thing.path for thing in stage.discarded] == ["/posts/2"]
    assert stage.observed == [("page", "good", 0.0)]  # which does not wait for that
    monkeypatch.setattr(Tidying, "takes", 1000.0)
    stage = one(monkeypatch, attempt)
    assert closed[1:] == [TIDY_SECONDS]
    assert len(stage.discarded) == 2


@pytest.mark.parametrize("stops", [False, True])
def test_an_attempt_that_breaks_is_tidied_up_unless_the_prober_stops(
    monkeypatch: pytest.MonkeyPatch, stops: bool
) -> None:
    """When it stops, the site may be gone as well, and what waits for it delays the end of outages."""
    tidied: list[str] = []

    class Tidying(Visit):
        async def tidy(self) -> list[Cleanup]:
            tidied.append("tidied")
            return []

        def close(self) -> None:
            tidied.append("closed")

    async def scene(loop: VirtualLoop) -> None:
        loop.set_exception_handler(lambda *_: None)
        stage = Stage(loop, hang if stops else raising(ZeroDivisionError()))
        await stage.one(1.0)
        await stage.probe.stop()

    monkeypatch.setattr(module, "Visit", Tidying)
    play(scene, monkeypatch)
    assert tidied == (["closed"] if stops else ["tidied", "closed"])


# --- what it adds up to ---


def test_an_outage_lasts_from_the_first_failure_to_the_first_good_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, between(0.9, 2.05, refused))
        await stage.run(5.0)
        return stage

    stage = play(scene, monkeypatch)
    opened, closed = stage.book.of("outage.opened", "outage.closed")
    assert (opened["start"], opened["end"]) == (1.0, None)
    # 1.0, and then from 1.2 to 2.0
    assert closed == {
        "kind": "outage.closed",
        "journey": "page",
        "type": "down",
        "start": 1.0,
        "end": 2.2,
        "attempts": 6,
        "failed": 6,
        "error": "refused: nobody there",
    }
    assert stage.probe.counts["bad"] == stage.probe.failed == 6
    assert stage.probe.attempts == len(stage.begun) == len(stage.observed)


def test_the_record_is_in_the_order_of_the_beginnings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A time-out is known seconds after those that began later: its outage begins with it all the same."""

    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, in_turn(hang, refused))
        running = asyncio.create_task(stage.probe.run(0.0))
        await stage.until(0.6)
        assert (stage.probe.state(), stage.probe.is_up) == ("down", False)
        assert stage.probe.down_for() == pytest.approx(0.1)
        assert stage.book.of("outage.opened") == []
        await stage.until(3.1)
        running.cancel()
        return stage

    opened, closed = play(scene, monkeypatch).book.of("outage.opened", "outage.closed")
    assert (opened["start"], opened["error"]) == (0.0, "time-out: GET / at east")
    assert (closed["start"], closed["end"], closed["failed"]) == (0.0, 0.7, 2)


def test_the_oldest_attempt_that_is_undecided_is_known_until_it_is_decided(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those that began later are not in the record before it is, however soon they are answered."""

    async def tidies_for_long(visit: Visit) -> None:
        visit.undo_later("DELETE", "/posts/1", None)  # type: ignore[arg-type]

    async def never(visit: Visit) -> list[Cleanup]:
        await asyncio.sleep(1000)
        return []

    async def scene(loop: VirtualLoop) -> None:
        monkeypatch.setattr(Visit, "tidy", never)
        stage = Stage(loop, in_turn(good, hang, tidies_for_long))
        assert stage.probe.undecided is None
        running = asyncio.create_task(stage.probe.run(0.0))
        for seconds, undecided in [(0.005, 0.0), (0.4, None), (0.6, 0.5), (3.45, 0.5), (3.55, None)]:
            await stage.until(seconds)
            assert stage.probe.undecided == undecided, seconds
        running.cancel()
        await stage.probe.stop()

    play(scene, monkeypatch)


def test_an_attempt_that_says_nothing_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = play(_three, monkeypatch, in_turn(raising(Untested("no login")), refused))
    assert [row["start"] for row in stage.book.of("outage.opened")] == [0.5]


def test_an_attempt_that_breaks_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = play(_three, monkeypatch, in_turn(raising(ZeroDivisionError()), refused))
    assert [row["start"] for row in stage.book.of("outage.opened")] == [0.5]


async def _three(loop: VirtualLoop, attempt: Attempt) -> Stage:
    loop.set_exception_handler(lambda *_: None)
    stage = Stage(loop, attempt)
    await stage.run(0.6)
    return stage


def test_a_site_that_is_starting_has_no_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, between(0, 2, refused), settled_at=5.0)
        await stage.run(4.0)
        return stage

    stage = play(scene, monkeypatch)
    assert stage.book.rows == []
    assert stage.probe.counts == Counter(starting=4, good=4)
    assert {outcome for _, outcome, _ in stage.observed} == {"good"}
    assert stage.probe.state() == "green"


def test_what_is_slow_while_it_starts_is_no_degradation(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, slow, settled_at=5.0)
        await stage.one(2.0)
        assert stage.probe.state() == "green"
        return stage

    assert play(scene, monkeypatch).book.of("outage.opened") == []


def test_a_site_that_never_starts_has_been_down_since_the_first_look(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, refused, settled_at=2.0)
        await stage.run(2.3)
        return stage

    stage = play(scene, monkeypatch)
    (opened,) = stage.book.of("outage.opened")
    assert (opened["start"], opened["attempts"]) == (0.0, 5)
    assert stage.probe.counts == Counter(starting=4, bad=2)
    assert stage.probe.state() == "down"
    assert len(stage.book.of("attempt.failed")) == 2


def test_the_state_is_what_is_known_now(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(loop: VirtualLoop) -> None:
        stage = Stage(loop, good)
        probe = stage.probe
        await asyncio.sleep(1.0)
        assert (probe.state(), probe.is_up, probe.down_for()) == ("unknown", True, 0.0)
        assert probe.row() == {
            "state": "unknown",
            "since": "1970-01-01T00:16:40.000000Z",
            "attempts": 0,
            "failed": 0,
            "last_error": None,
        }
        await stage.one(1.0)
        assert (probe.state(), probe.row()["since"]) == ("green", "1970-01-01T00:16:41.010000Z")
        stage.attempt = slow
        await stage.one(2.0)
        assert (probe.state(), probe.is_up) == ("slow", True)
        stage.attempt = refused
        await stage.one(0.25)
        assert (probe.state(), probe.is_up, probe.down_for()) == ("down", False, pytest.approx(0.25))
        assert probe.row() == {
            "state": "down",
            "since": "1970-01-01T00:16:44.000000Z",
            "attempts": 3,
            "failed": 1,
            "last_error": "refused: nobody there",
        }
        stage.attempt = good
        for _ in range(3):
            assert probe.state() == "down"
            await stage.one(1.0)
        assert (probe.state(), probe.is_up, probe.down_for()) == ("green", True, 0.0)

    play(scene, monkeypatch)


def test_a_state_is_forgotten_when_nobody_says_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(loop: VirtualLoop) -> None:
        stage = Stage(loop, good)
        await stage.one(8.0)
        assert stage.probe.state() == "green"
        await stage.one(8.02)
        assert stage.probe.state() == "unknown"
        stage.attempt = raising(AttemptLeftOut("no code"))
        await stage.one(1.0)
        assert stage.probe.state() == "green"  # the prober had a reason of its own
        stage.attempt = raising(Untested("no login"))
        await stage.one(7.5)
        assert stage.probe.state() == "unknown"

    play(scene, monkeypatch)


def test_what_cannot_be_tried_is_neither_green_nor_down_until_the_next_attempt_that_says_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene(loop: VirtualLoop) -> None:
        stage = Stage(loop, good)
        probe = stage.probe
        await stage.one(1.0)
        stage.attempt = raising(Untested("post: refused: nobody there"))
        await stage.one(1.0)
        assert probe.row()["state"] == "unknown"
        assert probe.row()["no_data"] == "post: refused: nobody there"
        assert (probe.is_up, probe.has_no_data, probe.failed) == (True, True, 0)
        await stage.one(1.0)
        stage.attempt = good
        await stage.one(1.0)
        assert (probe.state(), probe.has_no_data) == ("green", False)
        assert "no_data" not in probe.row()
        told = [(row["kind"], row["start"], row["end"]) for row in stage.book.rows]
        assert told == [("no-data.opened", 1.0, None), ("no-data.closed", 1.0, 3.0)]

    play(scene, monkeypatch)


def test_an_old_attempt_that_could_not_be_made_takes_nothing_from_a_newer_good_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene(loop: VirtualLoop) -> None:
        stage = Stage(loop, good)
        await stage.one(1.0)
        stage.attempt = hang_before
        await stage.one(0.5)  # is given up in 3 s
        stage.attempt = good
        await stage.one(5.0)
        assert stage.probe.counts == Counter(good=2, untested=1)
        assert stage.probe.state() == "green"
        assert stage.book.rows == []

    play(scene, monkeypatch)


def test_an_open_outage_stays_one_while_it_cannot_be_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(loop: VirtualLoop) -> None:
        stage = Stage(loop, refused)
        await stage.one(1.0)
        stage.attempt = raising(Untested("post: refused"))
        await stage.one(1.0)
        assert (stage.probe.state(), stage.probe.has_no_data) == ("down", False)

    play(scene, monkeypatch)


async def _untested_for(loop: VirtualLoop, seconds: float, then: Attempt) -> Stage:
    """It fails once, at 1.0; then what it needs fails for a time, from 1.2 on, and then all is as said."""
    later = between(1.1, 1.1 + seconds, raising(Untested("post: refused")), between(1.1, inf, then))
    stage = Stage(loop, between(0.9, 1.1, refused, later))
    await stage.run(seconds + 5.0)
    return stage


@pytest.mark.parametrize("seconds", [2.0, 60.0])
def test_the_end_of_an_outage_is_not_known_where_it_could_not_be_tried(
    monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """It is not told to last for as long as another journey fails."""
    stage = play(_untested_for, monkeypatch, seconds, good)
    (closed,) = stage.book.of("outage.closed")
    assert (closed["start"], closed["end"], closed["unobserved"]) == (1.0, 1.2, True)
    assert (stage.probe.state(), stage.probe.is_up) == ("green", True)


def test_an_outage_goes_on_over_a_short_time_in_which_it_could_not_be_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (opened,) = play(_untested_for, monkeypatch, 2.0, refused).book.of("outage.opened", "outage.closed")
    assert (opened["start"], opened["end"]) == (1.0, None)


def test_over_a_long_time_in_which_it_could_not_be_tried_nobody_knows_whether_an_outage_went_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = play(_untested_for, monkeypatch, 60.0, refused)
    outages = stage.book.of("outage.opened", "outage.closed")
    told = [(row["kind"], row["start"], row["end"]) for row in outages]
    (again,) = (start for kind, start, _ in told if kind == "outage.opened" and start > 1.0)
    assert told == [
        ("outage.opened", 1.0, None),
        ("outage.closed", 1.0, 1.2),
        ("outage.opened", again, None),
    ]
    assert again >= 61.0
    assert stage.probe.down_for() == pytest.approx(65.0 - again)


def test_a_prober_that_is_stopped_while_it_cannot_try_has_seen_no_more_of_an_outage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, in_turn(refused, *[raising(Untested("post: refused"))] * 200))
        await stage.run(20.0)
        await stage.probe.stop()
        return stage

    (closed,) = play(scene, monkeypatch).book.of("outage.closed")
    assert (closed["start"], closed["end"], closed["unobserved"]) == (0.0, 0.2, True)
    assert "stopping" not in closed


def test_while_the_site_warms_up_even_a_journey_that_went_well_has_no_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, good)
        stage.probe._warming_up = lambda start: start < 5.0
        await stage.one(1.0)
        stage.attempt = refused
        await stage.one(1.0)
        stage.attempt = slow
        await stage.one(4.0)
        assert stage.book.rows == []
        assert stage.probe.state() == "green"
        assert stage.probe.counts == Counter(good=1, starting=2)
        stage.attempt = refused
        await stage.one(1.0)
        return stage

    assert [row["start"] for row in play(scene, monkeypatch).book.of("outage.opened")] == [6.0]


def test_who_has_only_left_out_knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert one(monkeypatch, raising(AttemptLeftOut("no code"))).probe._last_heard is None


def test_a_long_time_without_data_ends_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, refused)
        await stage.one(1.0)
        stage.probe.no_data(NoData(0.5, 1.0))
        assert (stage.probe.state(), stage.probe.is_up) == ("down", False)
        stage.probe.no_data(NoData(1.0, 6.0))
        assert stage.probe.state() == "down"
        stage.probe.no_data(NoData(1.0, 6.01))
        assert (stage.probe.state(), stage.probe.is_up) == ("unknown", True)
        return stage

    rows = play(scene, monkeypatch).book.of("outage.opened", "outage.closed")
    assert [(row["start"], row["end"], row.get("unobserved")) for row in rows] == [
        (0.0, None, None),
        (0.0, 0.5, True),
    ]
    assert "unobserved" not in rows[0]


def test_a_time_without_data_waits_for_the_attempts_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, hang)
        stage.probe._begin(0.0)
        await asyncio.sleep(1.0)
        stage.probe.no_data(NoData(0.5, 1.0))
        assert stage.book.rows == []
        await asyncio.sleep(5.0)
        stage.attempt = good
        for _ in range(3):
            await stage.one()
        return stage

    (closed,) = play(scene, monkeypatch).book.of("outage.closed")
    assert (closed["start"], closed["end"], closed["unobserved"]) == (0.0, 0.5, True)


@pytest.mark.parametrize(
    ("seconds", "stopping"), [(STOPPING - 0.1, True), (STOPPING, False), (STOPPING + 5, False)]
)
def test_an_outage_that_is_open_at_the_end_has_an_end_that_nobody_saw(
    monkeypatch: pytest.MonkeyPatch, seconds: float, stopping: bool
) -> None:
    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, refused)
        await stage.until(4.0)
        await stage.one(1.0)
        stage.attempt = hang
        stage.probe._begin(5.0)
        await stage.until(4.0 + seconds)
        await stage.probe.stop()
        assert not stage.probe._running
        return stage

    (closed,) = play(scene, monkeypatch).book.of("outage.closed")
    assert closed == {
        "kind": "outage.closed",
        "journey": "page",
        "type": "down",
        "start": 4.0,
        "end": round(4.0 + seconds, 3),
        "attempts": closed["attempts"],
        "failed": closed["attempts"],
        "error": closed["error"],
        "unobserved": True,
        **({"stopping": True} if stopping else {}),
    }


def test_a_probe_that_is_well_is_stopped_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(loop: VirtualLoop) -> Stage:
        stage = Stage(loop, good)
        await stage.run(2.0)
        await stage.probe.stop()
        return stage

    assert play(scene, monkeypatch).book.rows == []
