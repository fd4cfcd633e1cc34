"""What a drill found out, as JSON and as a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from drills.failover.drill import Drill
from drills.failover.interval import Interval
from drills.failover.result import Outcome, WayResult
from drills.telling import row_of_finding
from foundation.console import spell_duration

WORDS = {Outcome.WORKS: "works", Outcome.BROKEN: "BROKEN", Outcome.UNTESTED: "untested"}
COLUMNS = ("way", "verdict", "users suffered", "lost", "because")


def row_of_drill(drill: Drill) -> dict[str, Any]:
    """As `failwhale drill failover --json` has it."""
    return {
        "ways": [_row(one) for one in drill.results],
        "readiness": [row_of_finding(finding) for finding in drill.defects],
        "repeat": drill.repeat,
    }


def _row(one: WayResult) -> dict[str, Any]:
    """Times are seconds from the loss; `lost` counts writes that were acknowledged, null where nobody can
    say."""
    return {
        "way": one.name,
        "title": one.title,
        "verdict": one.outcome.value,
        "suffered": row_of_interval(one.suffered),
        "each": [round(seconds, 3) for seconds in one.each_suffered],
        "within": one.within,
        "noticed": row_of_interval(one.phase(lambda phases: phases.noticed)),
        "decided": row_of_interval(one.phase(lambda phases: phases.decided)),
        "promoted": row_of_interval(one.phase(lambda phases: phases.promoted)),
        "lost": {"although_replicated": one.lost, "as_announced": one.announced},
        "because": one.because,
    }


def row_of_interval(found: Interval | None) -> dict[str, float | None] | None:
    """Its numbers, to a thousandth; None of none."""
    if found is None:
        return None
    return {name: value if value is None else round(value, 3) for name, value in asdict(found).items()}


def cells_of(one: WayResult) -> tuple[str, str, str, str, str]:
    """A row of the table."""
    return one.name, WORDS[one.outcome], spell_interval(one.suffered), spell_lost(one), one.because


def spell_interval(found: Interval | None) -> str:
    """Seconds for a person, with the interval where there is one."""
    if found is None:
        return "-"
    if found.low is None or found.high is None:
        return spell_duration(round(found.mean, 1))
    return f"{found.mean:.1f} s ({found.low:.1f} to {found.high:.1f})"


def spell_lost(one: WayResult) -> str:
    """Of what was acknowledged, for a person."""
    if one.lost is None:
        return "-"
    return f"{one.lost}" + (f", {one.announced} as announced" if one.announced else "")


def lines_after(drill: Drill) -> Iterator[str]:
    """The verdict in one line, and what to do."""
    yield f"{drill.headline}."
    steps = dict.fromkeys(step for finding in drill.defects for step in finding.next_steps)
    if steps:
        yield "What was to be seen before, and what to do:"
        yield from (f"  {finding.question}: {finding.because}" for finding in drill.defects)
        yield from (f"  {step}" for step in steps)
