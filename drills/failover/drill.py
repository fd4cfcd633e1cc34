"""The drill: what is known beforehand, and then every way of escape, as often as asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drills.failover.result import Outcome, WayResult, results_of
from drills.failover.trial import Tell, Trial, lose
from drills.failover.way import Way
from drills.finding import Finding
from drills.readiness import readiness
from driver.driver import Driver
from foundation.failure import FAILED, INCONCLUSIVE, OK
from foundation.verdict import spell
from testbed.site import Site


@dataclass(frozen=True)
class Drill:
    """What was found out. `defects` are what readiness found before anything was lost."""

    results: Sequence[WayResult]
    defects: Sequence[Finding]
    repeat: int

    @property
    def headline(self) -> str:
        """How many ways of escape work, in one line."""
        works = sum(one.outcome is Outcome.WORKS for one in self.results)
        return f"{works} of {len(self.results)} ways of escape work"

    @property
    def exit_code(self) -> int:
        outcomes = {one.outcome for one in self.results}
        if Outcome.BROKEN in outcomes:
            return FAILED
        return INCONCLUSIVE if Outcome.UNTESTED in outcomes else OK


def drill(driver: Driver, ways: Sequence[Way], repeat: int, people: int, tell: Tell) -> Drill:
    """Try these ways. Raises Failure where there is no site, and KeyboardInterrupt with everything healed."""
    driver.populate_if_empty(tell)
    tell("what is known beforehand: is it ready for a loss?")
    defects = [finding for finding in readiness(Site(driver.state)) if finding.verdict is not True]
    for finding in defects:
        tell(f"{finding.question}: {finding.because}")
    trials: list[Trial] = []
    for turn in range(1, repeat + 1):
        if repeat > 1:
            tell(f"run {turn} of {repeat}")
        for way in ways:
            trials.append(lose(driver, way, people, tell))
            judged = trials[-1].judged
            word = spell(judged.verdict, "works", "BROKEN", "untested")
            tell(f"{way.name}: {word}, {judged.because}")
    return Drill(results_of(trials), defects, repeat)
