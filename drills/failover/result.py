"""All trials of one way together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from drills.failover.interval import Interval, interval_of
from drills.failover.judging import Judged
from drills.failover.promotion import Phases
from drills.failover.trial import Trial

MOST_REASONS = 3
"""That are told of one way."""


class Outcome(StrEnum):
    """Of one way of escape."""

    WORKS = "works"
    BROKEN = "broken"
    UNTESTED = "untested"


@dataclass(frozen=True)
class WayResult:
    """What all losses of one kind came to."""

    name: str
    title: str
    within: float
    judged: Sequence[Judged]
    phases: Sequence[Phases] = ()

    @property
    def outcome(self) -> Outcome:
        verdicts = [one.verdict for one in self.judged]
        if False in verdicts:
            return Outcome.BROKEN
        return Outcome.WORKS if verdicts and None not in verdicts else Outcome.UNTESTED

    @property
    def because(self) -> str:
        """Of the trials that made the outcome what it is: each reason once, with how often, and of many the
        most frequent."""
        decisive = {Outcome.WORKS: True, Outcome.BROKEN: False, Outcome.UNTESTED: None}[self.outcome]
        reasons = [one.because for one in self.judged if one.verdict is decisive]
        told = Counter(reasons).most_common(MOST_REASONS)
        of = len(self.judged)
        words = [why if of == 1 or times == of else f"{times} of {of}: {why}" for why, times in told]
        if others := len(reasons) - sum(times for _, times in told):
            words.append(f"{others} of {of}: each otherwise, as its page says")
        return "; ".join(words)

    @property
    def suffered(self) -> Interval | None:
        """Seconds from the loss until users were well (RTO)."""
        return interval_of(self.each_suffered)

    @property
    def each_suffered(self) -> list[float]:
        return [one.suffered for one in self.judged if one.verdict is not None]

    @property
    def lost(self) -> int | None:
        """Acknowledged writes that are gone although a replica was said to have them, of all trials. None
        where nobody can say."""
        return sum(one.lost for one in self.judged) if self._is_loss_known else None

    @property
    def announced(self) -> int | None:
        """Acknowledged writes that are gone as it was said, of all trials (RPO). None where nobody can
        say."""
        return sum(one.announced for one in self.judged) if self._is_loss_known else None

    @property
    def _is_loss_known(self) -> bool:
        """Of a trial, at least: one that has a verdict, or after which something was seen to be gone."""
        return any(one.verdict is not None or one.lost or one.announced for one in self.judged)

    def phase(self, of: Callable[[Phases], float | None]) -> Interval | None:
        """Seconds from the loss until a phase of the promotion."""
        return interval_of([at for one in self.phases if (at := of(one)) is not None])


def results_of(trials: Iterable[Trial]) -> list[WayResult]:
    """By way, in the order in which they were tried; a return stands behind its loss."""
    by_way: dict[str, list[Trial]] = {}
    for trial in trials:
        by_way.setdefault(trial.way.name, []).append(trial)
    return [result for those in by_way.values() for result in _both(those)]


def _both(trials: Sequence[Trial]) -> Iterator[WayResult]:
    way = trials[0].way
    phases = [trial.phases for trial in trials]
    yield WayResult(way.name, way.title, way.within, [one.judged for one in trials], phases)
    if way.comes_back:
        back = [one.back or Judged.untested(one.judged.because) for one in trials]
        yield WayResult(way.comes_back, "what was lost comes back", 0.0, back)
