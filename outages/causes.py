"""Which faults caused an outage, by ground truth: those in force when it began or while it went on."""

from __future__ import annotations

from collections.abc import Iterable

from outages.model import UNDER_WAY, Felt, InjectedFault

AFTERMATH = 2.0
"""Seconds after its end in which an outage may still be its after-effect: a failover, a queue, a restart."""


def name_causes(outages: Iterable[Felt], faults: Iterable[InjectedFault], now: float) -> None:
    """Name the causes of each outage. `now` is in Unix seconds.

    A fault is a cause when it may hurt the journey and was in force at the onset. Then so is one that says
    that it hurts the journey and was applied while the outage went on: users do not get their breath back
    between two faults, and the record has one outage. What began without a fault is not explained by a later
    one. A fault may bite from the moment that it was requested: `applied` is noted when the deed is done, and
    a busy engine takes a second for that; and an attempt that it hurts may have begun before. Only where
    there is none, the latest fault that was just over is named, as the one whose after-effect this may be.
    """
    faults = list(faults)
    for outage in outages:
        able = [fault for fault in faults if _is_cause(fault, outage, now)]
        begun = any(fault.requested <= outage.start + UNDER_WAY for fault in able)
        outage.causes, outage.joined = (able, []) if begun else ([], able)
        outage.after_effect = False
        if not outage.causes:
            outage.causes = _just_over(outage, faults)
            outage.after_effect = bool(outage.causes)


def _is_cause(fault: InjectedFault, outage: Felt, now: float) -> bool:
    if fault.applied is None or (fault.hurts is not None and outage.journey not in fault.hurts):
        return False
    end = now if fault.end is None else fault.end
    if fault.requested <= outage.start:
        return outage.start <= end
    end = now if outage.end is None else outage.end
    return fault.hurts is not None and fault.applied < end


def _just_over(outage: Felt, faults: Iterable[InjectedFault]) -> list[InjectedFault]:
    """The latest fault that ended shortly before the onset, on all parts where it did; it must have said that
    it hurts the journey, for being over it can hardly be convicted otherwise."""
    over = [
        fault
        for fault in faults
        if fault.applied is not None
        and fault.end is not None
        and fault.hurts is not None
        and outage.journey in fault.hurts
        and fault.end <= outage.start <= fault.end + AFTERMATH
    ]
    latest = max(over, key=lambda fault: fault.end or 0.0, default=None)
    return [fault for fault in over if latest is not None and fault.id == latest.id]
