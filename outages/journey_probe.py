"""One journey, tried on an open schedule: an attempt begins when it is due, however slow the others are."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable, Sequence
from math import inf
from typing import Any

from foundation.clock import Clock
from foundation.ledger import Ledger
from outages.cast import Cast
from outages.client import MALFORMED, Trust
from outages.edges import PublicEdge
from outages.failures import Failed
from outages.journeys.journey import Journey
from outages.recent import Numbers, Recent
from outages.tracker import (
    BRIDGED_SECONDS,
    AttemptResult,
    Kind,
    NoData,
    Outage,
    Outcome,
    Seen,
    Tracker,
    Unmeasured,
)
from outages.tracker import Sequence as InOrder
from outages.visit import AttemptLeftOut, Cleanup, Untested, Visit

NORMAL_EVERY = 0.5
TROUBLED_EVERY = 0.2
"""Seconds between attempts, at rest and in trouble."""

MOST_IN_FLIGHT = 64
"""Attempts of one journey at a time; further ones are left out, and counted."""

TIDY_SECONDS = 2.0
STOPPING = 2.0
"""Seconds before the prober is stopped in which the rest of the site may have been stopped already."""

FORGOTTEN_AFTER = 5.0
"""A state is not believed any more when no attempt has said anything for so many seconds (and its limit)."""


class JourneyProbe:
    """Attempts at one journey, their results in the ledger, and what they add up to."""

    def __init__(
        self,
        journey: Journey,
        edges: Sequence[PublicEdge],
        tls: Trust,
        cast: Cast,
        ledger: Ledger,
        clock: Clock,
        *,
        settled_at: float,
        observe: Callable[[str, str, float], None],
        discard: Callable[[Sequence[Cleanup]], None],
        stalled_since: Callable[[float], bool],
        warming_up: Callable[[float], bool] = lambda start: False,
    ) -> None:
        """`observe(journey, outcome, seconds)` is told each result; `discard` gets what could not be undone.

        `stalled_since(start)` says whether the prober itself stood still after that time, or the wall clock
        was set: what an attempt saw then says nothing about the site. `warming_up(start)` says whether the
        site as a whole was being started then: that is neither an outage nor a degradation, even of a journey
        that went well already. Times are steady seconds of `clock`.
        """
        self.journey = journey
        self.counts: Counter[str] = Counter()
        self.attempts = 0
        self.failed = 0
        self.said_nothing = 0
        """Attempts that were left out, or failed for what belongs to another journey."""
        self.last_error = ""
        self._recent = Recent()
        self._unmeasured: Unmeasured | None = None
        """Since when it cannot be tried, as what it needs of another journey fails."""
        self._edges = [edge for edge in edges if journey.edge in (None, edge.name)]
        self._tls = tls
        self._cast = cast
        self._ledger = ledger
        self._clock = clock
        self._observe = observe
        self._discard = discard
        self._stalled_since = stalled_since
        self._warming_up = warming_up
        self._turns = itertools.count()
        self._in_order = InOrder()
        kinds: tuple[Kind, ...] = ("down", "slow")
        self._exact = {kind: Tracker(kind, settled_at) for kind in kinds}
        self._live = {kind: Tracker(kind, settled_at) for kind in kinds}
        self._untested_since: float | None = None
        """When the first attempt began, of those in the record, after which none said anything."""
        self._last_measured = self._last_untested = -inf
        """When the latest attempts began that said something, and that could not be made."""
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = False
        """Then nothing is tidied up any more: the site may be gone as well, and nobody is to wait for it."""
        self._trouble = asyncio.Event()
        self._last_heard: float | None = None
        self._state = "unknown"
        self._state_since = clock.now()

    # --- schedule ---

    async def run(self, phase: float) -> None:
        """Begin attempts until cancelled; the first is put off by `phase`, a share of the interval."""
        due = self._clock.now() + phase * NORMAL_EVERY
        while True:
            due = await self._wait_until(due)
            self._begin(due)
            due += TROUBLED_EVERY if self._trouble.is_set() else NORMAL_EVERY
            behind = self._clock.now() - due
            if behind > NORMAL_EVERY:
                # The prober was kept from running. What it missed is counted, not made up for in a burst.
                missed = int(behind / NORMAL_EVERY)
                self.counts["left-out"] += missed
                due += missed * NORMAL_EVERY

    async def _wait_until(self, due: float) -> float:
        """Sleep until the attempt is due, or sooner when trouble begins; returns when it was really due."""
        in_trouble = self._trouble.is_set()
        while (left := due - self._clock.now()) > 0:
            if in_trouble:
                await asyncio.sleep(left)
                continue
            try:
                async with asyncio.timeout(left):
                    await self._trouble.wait()
            except TimeoutError:
                continue
            in_trouble = True
            due = min(due, self._clock.now() + TROUBLED_EVERY)
        return due

    def _begin(self, start: float) -> None:
        if self.journey.needs_cast and not self._cast.playable:
            return  # nobody has been signed up yet
        if len(self._running) >= MOST_IN_FLIGHT:
            self.counts["left-out"] += 1
            return
        task = asyncio.create_task(self._attempt(start))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    # --- one attempt ---

    async def _attempt(self, start: float) -> None:
        slot = self._in_order.begin(start)
        turn = next(self._turns) % len(self._edges)
        visit = Visit(
            self._edges[turn:] + self._edges[:turn],
            self._tls,
            limit=self.journey.limit,
            may_move=self.journey.edge is None,
        )
        result: AttemptResult | Unmeasured | None = None
        try:
            result = await self._visit(visit, start)
        finally:
            for released in self._in_order.finish(slot, result):
                self._record_outages(released)
            await self._tidy(visit)

    async def _visit(self, visit: Visit, start: float) -> AttemptResult | Unmeasured | None:
        failure: Failed | None = None
        said_nothing = why = ""
        late = self._clock.now() - start
        ends = asyncio.get_running_loop().time() - late + self.journey.limit
        try:
            async with asyncio.timeout_at(ends) as visit.deadline:
                await self.journey.attempt(visit, self._cast)
        except Failed as error:
            failure = error
        except TimeoutError:
            failure = Failed("time-out", visit.step)
            if visit.in_precondition:
                said_nothing, why = "untested", f"{visit.needs}: {failure}"
        except Untested as untested:
            said_nothing, why = "untested", str(untested)
        except AttemptLeftOut:
            said_nothing = "left-out"
        except MALFORMED as error:
            failure = visit.malformed(error)
        if self._stalled_since(start):
            said_nothing, why = "untested", ""
        if said_nothing:
            if said_nothing == "left-out" and self._last_heard is not None:
                # The prober had a reason of its own: what it knew stands.
                self._last_heard = self._clock.now()
            self.said_nothing += 1
            self.counts[said_nothing] += 1
            return self._cannot_be_measured(Unmeasured(start, why)) if why else None
        return self._conclude(visit, start, failure)

    def _conclude(self, visit: Visit, start: float, failure: Failed | None) -> AttemptResult | None:
        end = self._clock.now()
        took = end - start
        if visit.measured_from is not None:
            took = time.monotonic() - visit.measured_from
        outcome: Outcome = "bad" if failure else "slow" if took > self.journey.slow else "good"
        is_starting = self._exact["down"].is_settling(start)
        if outcome != "good" and not is_starting and self._warming_up(start):
            self.counts["starting"] += 1
            return None
        error = failure.error if failure else "slow" if outcome == "slow" else ""
        detail = failure.detail if failure else ""
        result = AttemptResult(start, end, outcome, f"{error}: {detail}" if detail else error)
        if failure and is_starting:
            self.counts["starting"] += 1
            return result
        if outcome != "good":
            self._ledger.append(
                "attempt.failed" if failure else "attempt.slow",
                journey=self.journey.name,
                edge=visit.edge,
                tried=visit.tried,
                start=self._clock.stamp(start),
                end=self._clock.stamp(end),
                connection="fresh",
                error=error,
                detail=detail or f"{took:.3f} s",
                step=visit.step,
            )
        self._count(result, took)
        return result

    async def _tidy(self, visit: Visit) -> None:
        try:
            async with asyncio.timeout(TIDY_SECONDS):
                if not self._stopping:
                    await visit.tidy()
        except TimeoutError:
            pass
        finally:
            visit.close()
            self._discard(visit.cleanups)

    # --- what it adds up to ---

    def _count(self, result: AttemptResult, took: float) -> None:
        self.counts[result.outcome] += 1
        self.attempts += 1
        self.failed += result.outcome == "bad"
        if result.error:
            self.last_error = result.error
        self._last_heard = self._clock.now()
        self._recent.add(self._last_heard, took, failed=result.outcome == "bad")
        self._is_measured(result.start)
        for tracker in self._live.values():
            tracker.add(result)
        if result.outcome == "good" and not any(tracker.open for tracker in self._live.values()):
            self._trouble.clear()
        elif result.outcome != "good":
            self._trouble.set()
        self._observe(self.journey.name, result.outcome, took)
        self.state()

    def _cannot_be_measured(self, since: Unmeasured) -> Unmeasured:
        """What an attempt that began then needs of another journey fails, so this one is neither well nor
        down as far as anybody knows, until an attempt says something again."""
        self._last_untested = max(since.start, self._last_untested)
        known = -inf < self._last_measured < since.start
        if known and self._unmeasured is None and not self._warming_up(since.start):
            self._unmeasured = since
            self._write_no_data("no-data.opened")
            self.state()
        return since

    def _is_measured(self, start: float) -> None:
        self._last_measured = max(start, self._last_measured)
        if self._unmeasured is not None and start > self._last_untested:
            self._write_no_data("no-data.closed", end=self._clock.stamp(start))
            for tracker in self._live.values():
                tracker.no_data(NoData(self._unmeasured.start, start))
            self._unmeasured = None

    def _write_no_data(self, kind: str, end: str | None = None) -> None:
        assert self._unmeasured is not None
        start = self._clock.stamp(self._unmeasured.start)
        self._ledger.append(kind, journey=self.journey.name, start=start, end=end, why=self._unmeasured.why)

    @property
    def has_no_data(self) -> bool:
        """Whether nothing is known of it at this moment."""
        return self._state_now() == "unknown"

    @property
    def undecided(self) -> float | None:
        """When the oldest attempt began of which nobody knows yet whether it will fail; None: of all that is
        known. What began before is in the record."""
        return self._in_order.undecided

    def no_data(self, span: NoData) -> None:
        """There was no data for a while."""
        for tracker in self._live.values():
            tracker.no_data(span)
        if span.end - span.start > BRIDGED_SECONDS:
            self._last_heard = None
        for released in self._in_order.no_data(span):
            self._record_outages(released)

    def _record_outages(self, seen: Seen) -> None:
        if isinstance(seen, Unmeasured):
            if self._untested_since is None:
                self._untested_since = seen.start
            return
        self._record_no_data_until(seen.start)
        self._track(seen)

    def _record_no_data_until(self, end: float) -> None:
        """Nobody knows whether an outage went on while it could not be tried, if that was for long."""
        if self._untested_since is not None:
            span, self._untested_since = NoData(self._untested_since, end), None
            self._track(span)

    def _track(self, seen: AttemptResult | NoData) -> None:
        for tracker in self._exact.values():
            changed = tracker.no_data(seen) if isinstance(seen, NoData) else tracker.add(seen)
            if changed is not None:
                self._write(changed)

    def _write(self, outage: Outage, *, stopping: bool = False) -> None:
        self._ledger.append(
            "outage.opened" if outage.end is None else "outage.closed",
            journey=self.journey.name,
            type=outage.kind,
            start=self._clock.stamp(outage.start),
            end=None if outage.end is None else self._clock.stamp(outage.end),
            attempts=outage.attempts,
            failed=outage.failed,
            error=outage.error,
            **({"unobserved": True} if outage.unobserved else {}),
            **({"stopping": True} if stopping else {}),
        )

    @property
    def is_up(self) -> bool:
        """Whether no outage is seen, as far as is known now."""
        return self._live["down"].open is None

    def down_for(self) -> float:
        """Seconds since the open outage began; 0.0 without one."""
        outage = self._live["down"].open
        return self._clock.now() - outage.start if outage else 0.0

    def state(self) -> str:
        """green, down, slow, or unknown while no attempt says anything: there is no data."""
        state = self._state_now()
        if state != self._state:
            self._state, self._state_since = state, self._clock.now()
        return state

    def _state_now(self) -> str:
        heard = self._last_heard
        if heard is None or self._clock.now() - heard > self.journey.limit + FORGOTTEN_AFTER:
            return "unknown"
        for kind, tracker in self._live.items():
            if tracker.open is not None:
                return kind
        return "green" if self._unmeasured is None else "unknown"

    def row(self) -> dict[str, Any]:
        """What GET /journeys says; `no_data` is there while it cannot be measured, and says why."""
        state = self.state()
        why = {"no_data": self._unmeasured.why} if state == "unknown" and self._unmeasured else {}
        return {
            "state": state,
            "since": self._clock.stamp(self._state_since),
            "attempts": self.attempts,
            "failed": self.failed,
            "last_error": self.last_error or None,
            **why,
        }

    def numbers(self) -> Numbers:
        """How the last minute went."""
        return self._recent.numbers(self._clock.now())

    async def stop(self) -> None:
        """Give up what is in flight. An outage that is open has an end that nobody saw, unless it began with
        the stop: a site that is taken down stops all its parts at once."""
        self._stopping = True
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        now = self._clock.now()
        self._record_no_data_until(now)
        for tracker in self._exact.values():
            if tracker.open is not None:
                tracker.open.end, tracker.open.unobserved = now, True
                self._write(tracker.open, stopping=now - tracker.open.start < STOPPING)
