"""What an injection ends with, whoever asked for it: whom it hurt, how long, and when all was well again."""

from __future__ import annotations

import time

from chaos.fault_rows import FaultRow
from driver.driver import Driver
from foundation.clock import parse
from foundation.console import spell_duration
from outages.stories import hurt_by
from outages.wording import felt

RECORDED_WITHIN = 5.0
"""Seconds for the ends of outages to be in the record when all is green; as a rule they are."""


def felt_of(driver: Driver, fault: str, since: float, settle: float = RECORDED_WITHIN) -> list[str]:
    """What users felt of the injection of this id, which began at `since` (Unix seconds): a line a journey,
    worst first, in the console's markup. `settle` is how many seconds to wait for the ends of outages in the
    record."""
    outages, now = driver.outages(since=since, settle=settle), time.time()
    return felt(hurt_by(outages, fault, now), now)


def recovery_of(fault: FaultRow, well: float) -> str:
    """How long after its end all was well, which was at `well` (Unix seconds)."""
    ends = [one["times"]["reverting"] or one["times"]["ceased"] for one in fault["targets"]]
    undone = max((parse(end) for end in ends if end is not None), default=well)
    return f"All well again {spell_duration(max(0.0, well - undone))} after the fault was undone."
