"""What an injection ends with, whoever asked for it: whom it hurt, how long, and when all was well again."""

from __future__ import annotations

import time

from chaos.catalogue import fault_named
from chaos.fault_rows import FaultRow
from driver.driver import Driver
from foundation.clock import parse
from foundation.console import spell_duration
from outages.model import BLIND, UNDER_WAY
from outages.stories import hurt_by
from outages.wording import felt

RECORDED_WITHIN = 5.0
"""Seconds for the ends of outages to be in the record when all is green; as a rule they are."""

SEEN_ENOUGH = 1.0
"""Seconds without data that are not worth a word."""


def felt_of(
    driver: Driver, fault: str, since: float, settle: float = RECORDED_WITHIN, until: float | None = None
) -> list[str]:
    """What users felt of the injection of this id, from `since` to `until` (Unix seconds; None: now).

    A line for each journey, worst first, in the console's markup. What had begun before is not said to be its
    deed, and where nobody looked nobody is said to be well. `settle` is how many seconds to wait for the ends
    of outages in the record.
    """
    outages, now = driver.outages(since=since, settle=settle), time.time()
    before = [outage for outage in outages if outage.start < since - UNDER_WAY]
    hurts = hurt_by((outage for outage in outages if outage not in before), fault, now)
    already = [
        f"[dim]{hurt.journey} was {hurt.kind} already,"
        f" for {spell_duration(since - hurt.times[0].start)}[/dim]"
        for hurt in hurt_by(before, fault, now)
    ]
    until = until or now
    unseen = driver.seconds_without_data(since, until)
    no_data = f"no data for {spell_duration(unseen)}"
    if not hurts and unseen > BLIND * (until - since):
        return [f"[yellow]Nobody could say: {no_data}.[/yellow]", *already]
    told = felt(hurts, now) if hurts or not already else []
    return [*told, *already, *([f"[dim]{no_data} meanwhile[/dim]"] if unseen > SEEN_ENOUGH else [])]


def recovery_of(fault: FaultRow, well: float) -> str:
    """How long after its end all was well, which was at `well` (Unix seconds). What happens once is not
    undone: there it is how long after it was done."""
    done, what = undone_at(fault), "the fault was undone"
    if not fault_named(fault["fault"]).lasting:
        applied = fault["times"]["applied"]
        done, what = (None if applied is None else parse(applied)), f"{fault['fault']} was done"
    return f"All well again {spell_duration(max(0.0, well - (done or well)))} after {what}."


def undone_at(fault: FaultRow) -> float | None:
    """When undoing it began, or it ended by itself, on the last of its targets (Unix seconds)."""
    ends = [one["times"]["reverting"] or one["times"]["ceased"] for one in fault["targets"]]
    return max((parse(end) for end in ends if end is not None), default=None)
