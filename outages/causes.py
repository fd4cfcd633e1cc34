"""Which faults caused an outage, by ground truth: those that were in force when it happened."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outages.history import Fault, Felt

APPLYING = 1.0
"""Seconds before `applied` in which a fault may have bitten already: the record follows the deed."""

AFTERMATH = 2.0
"""Seconds after `gone` in which an outage may still begin: a failover, a queue, a restart."""


def causes_of(outage: Felt, faults: Iterable[Fault], now: float) -> list[Fault]:
    """The faults that overlap the outage and may hurt its journey. `now` is in Unix seconds."""
    return [fault for fault in faults if _overlaps(outage, fault, now) and _may_hurt(fault, outage.journey)]


def _overlaps(outage: Felt, fault: Fault, now: float) -> bool:
    if fault.applied is None:
        return False
    bites = max(fault.requested, fault.applied - APPLYING)
    over = now if fault.gone is None else fault.gone + AFTERMATH
    ended = now if outage.end is None else outage.end
    return outage.start <= over and ended >= bites


def _may_hurt(fault: Fault, journey: str) -> bool:
    return fault.hurts is None or journey in fault.hurts
