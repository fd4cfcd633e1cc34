"""From attempts to outages: pure state machines that know neither clock nor network.

    results of attempts, as they finish -> Sequence (order of intended start) -> Tracker -> outages

An outage of a journey opens at the first failed attempt of a run (its intended start) and closes at the
first good one of a run of good ones. Slowness is told in the same way; a failed attempt is not a slow one.
Attempts overlap, and a time-out is known seconds after later attempts were answered, so the exact record is
made in the order of intended starts. What is true *as far as known now* comes from a second tracker that is
fed as results arrive.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["down", "slow"]
Outcome = Literal["good", "slow", "bad"]

CLOSES_AFTER = 3
"""Attempts in a row that end an outage: that did not fail, or for slowness, that were not slow."""

BRIDGED_SECONDS = 5.0
"""When there is no data for longer, nobody knows whether an outage went on meanwhile, and it is not said."""


@dataclass(frozen=True)
class AttemptResult:
    """What one attempt said about its journey. Times are on one scale; `start` is the intended start."""

    start: float
    end: float
    outcome: Outcome
    error: str = ""


@dataclass(frozen=True)
class NoData:
    """A time without data. `start` and `end` are on the scale of the results."""

    start: float
    end: float


@dataclass(frozen=True)
class Unmeasured:
    """That a journey cannot be tried, as an attempt found that began at `start`, on the scale of the results.
    `why` names the journey whose failure it is, and what was seen: `post: status: 503 ...`."""

    start: float
    why: str


Seen = AttemptResult | NoData | Unmeasured


@dataclass
class Outage:
    """A time in which a journey failed (down) or took too long (slow). `end` is None while it goes on."""

    kind: Kind
    start: float
    end: float | None = None
    attempts: int = 0
    """Attempts from the first failed one up to, and without, the good one that ended it."""
    failed: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    unobserved: bool = False
    """Nobody saw its end: it is told to have ended when somebody looked last."""

    @property
    def error(self) -> str:
        """The error that was seen most often."""
        return self.errors.most_common(1)[0][0] if self.errors else ""


class Tracker:
    """Outages of one kind for one journey, from results in the order of their intended start.

    A journey that has not been good yet may be one of a site that is still starting: until `settled_at` its
    failures are remembered, and are an outage only if they go on after that.
    """

    def __init__(self, kind: Kind, settled_at: float = 0.0) -> None:
        self.kind: Kind = kind
        self.open: Outage | None = None
        self.has_been_good = False
        self._settled_at = settled_at
        self._starting: Outage | None = None
        self._well: list[AttemptResult] = []
        """Attempts since the last one that suffered from what this tracker is about."""
        self._unseen: float | None = None
        """Since when, after that one, there was no data for a while."""

    def is_settling(self, start: float) -> bool:
        """Whether a failure of an attempt that began then may belong to a site that is still starting."""
        return not self.has_been_good and start < self._settled_at

    def add(self, result: AttemptResult) -> Outage | None:
        """Take one result; returns the outage that it opened or closed (then it has an `end`), if any."""
        if result.outcome == ("bad" if self.kind == "down" else "slow"):
            return self._suffered(result)
        if result.outcome != "bad":
            self.has_been_good = True
            self._starting = None
        # A failed attempt was not slow: how long a failure lasts is told by the outage of the other kind.
        return self._recovered(result)

    def no_data(self, span: NoData) -> Outage | None:
        """There was no data for a while; returns the outage unless it is known to have gone on meanwhile."""
        if self.open is None:
            return None
        if not self._well and self._unseen is None:
            self._unseen = max(span.start, self.open.start)
        return self._close() if span.end - span.start > BRIDGED_SECONDS else None

    def _suffered(self, result: AttemptResult) -> Outage | None:
        self._unseen = None
        if self.open is not None:
            self.open.attempts += len(self._well)
            self._well.clear()
            _count(self.open, result)
            return None
        outage = self._starting or Outage(self.kind, result.start)
        _count(outage, result)
        if self.is_settling(result.start):
            self._starting = outage
            return None
        self._starting = None
        self.open = outage
        return outage

    def _recovered(self, result: AttemptResult) -> Outage | None:
        if self.open is None:
            return None
        self._well.append(result)
        if len(self._well) < CLOSES_AFTER:
            return None
        return self._close()

    def _close(self) -> Outage | None:
        closed, self.open = self.open, None
        assert closed is not None
        closed.unobserved = self._unseen is not None
        closed.end = self._well[0].start if self._unseen is None else self._unseen
        self._well.clear()
        self._unseen = None
        return closed


def _count(outage: Outage, result: AttemptResult) -> None:
    outage.attempts += 1
    outage.failed += 1
    outage.errors[result.error] += 1


class Slot:
    """The place of one attempt in a Sequence. `start` is the intended one."""

    __slots__ = ("done", "result", "start")

    def __init__(self, start: float) -> None:
        self.start = start
        self.done = False
        self.result: Seen | None = None


class Sequence:
    """Releases results in the order in which their attempts began, however they finish."""

    def __init__(self) -> None:
        self._slots: deque[Slot] = deque()

    @property
    def undecided(self) -> float | None:
        """When the oldest attempt began whose result is not known yet; None: all are known."""
        return self._slots[0].start if self._slots else None

    def begin(self, start: float) -> Slot:
        """Reserve the place of an attempt that begins now, and was to begin at `start`."""
        slot = Slot(start)
        self._slots.append(slot)
        return slot

    def no_data(self, span: NoData) -> Iterator[Seen]:
        """There was no data for a while, between the attempts that have begun and those that will begin."""
        return self.finish(self.begin(span.start), span)

    def finish(self, slot: Slot, result: Seen | None) -> Iterator[Seen]:
        """An attempt is over (`result` None: it said nothing). Yields the results whose turn has come."""
        slot.done, slot.result = True, result
        while self._slots and self._slots[0].done:
            released = self._slots.popleft().result
            if released is not None:
                yield released
