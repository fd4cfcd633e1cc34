"""Outages in words: the headline of a run, and how times are written for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from foundation.console import spell_duration
from outages.history import History
from outages.model import Felt, InjectedFault

COMES_FROM_THE_PROBER = (
    "What Prometheus knows of the journeys it has from the prober, which measured the outages: this says how "
    "well it keeps up with the prober, not what it would see without one."
)


def clock(moment: float) -> str:
    """A Unix time as hours, minutes and seconds in UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S")


def felt_by_journey(outages: Sequence[Felt], now: float) -> list[tuple[str, float]]:
    """Seconds of being down by journey, longest first."""
    seconds: dict[str, float] = {}
    for outage in outages:
        if outage.kind == "down":
            seconds[outage.journey] = seconds.get(outage.journey, 0.0) + outage.duration(now)
    return sorted(seconds.items(), key=lambda item: -item[1])


def headline(history: History) -> str:
    """One sentence: how many outages, and which journey was down longest."""
    if history.began is None:
        return "No data yet: the prober has not run."
    now = history.now()
    worst = felt_by_journey(history.outages, now)
    slow = sum(outage.kind == "slow" for outage in history.outages)
    down = len(history.outages) - slow
    slow_words = _count(slow, "degradation") if slow else ""
    if not down:
        without = "No outage" if history.faults else "No outage, and no fault was injected"
        return f"{without}; {slow_words}." if slow else f"{without}."
    journey, seconds = worst[0]
    count = _count(down, "outage") + (f" and {slow_words}" if slow else "")
    return f"{count}; {journey} was down longest, for {spell_duration(seconds)}."


def targets(faults: Sequence[InjectedFault]) -> str:
    """What one fault on some parts was aimed at, as it was typed; else its parts: `post@east,west`."""
    if faults[0].selector:
        callers = f" from {faults[0].from_selector}" if faults[0].from_selector else ""
        return f"{faults[0].selector}{callers}"
    places: dict[str, list[str]] = {}
    for fault in faults:
        service, _, place = fault.target.partition("@")
        places.setdefault(service, []).append(place)
    return ", ".join(f"{service}@{','.join(there)}".rstrip("@") for service, there in places.items())


def by_id(faults: Iterable[InjectedFault]) -> list[list[InjectedFault]]:
    """The faults, each with all the parts that it is on."""
    groups: dict[str, list[InjectedFault]] = {}
    for fault in faults:
        groups.setdefault(fault.id, []).append(fault)
    return list(groups.values())


def causes(outage: Felt) -> str:
    """The faults that caused an outage, each once: `kill post:all`, or `after kill store@east`."""
    after = "after " if outage.after_effect else ""
    titles = [f"{after}{faults[0].name} {targets(faults)}" for faults in by_id(outage.causes)]
    return ", ".join(dict.fromkeys(titles))


def parameters(fault: InjectedFault) -> str:
    """What was asked for beyond the defaults, with units: `delay 1.2s, share 30%`."""
    if fault.asked is not None:
        return fault.asked
    return ", ".join(f"{name} {value}" for name, value in fault.parameters.items() if value is not None)


def detection(outage: Felt) -> str:
    """What the alerts made of an outage: `+2.1s`, `late`, `none`; empty when nobody asked."""
    if outage.detected is None:
        return ""
    if outage.detection_delay is None:
        return "none"
    return "late" if outage.is_late else f"+{outage.detection_delay:.1f}s"


def record_problem(record: Mapping[str, Any]) -> str:
    """What the prober says of its record, in a line; empty when all is written."""
    if not record.get("waiting") and not record.get("dropped"):
        return ""
    parts = [f"{record['waiting']:,} records wait in memory" if record.get("waiting") else ""]
    parts.append(f"{record['dropped']:,} details of attempts were given up" if record.get("dropped") else "")
    why = f" ({record['problem']})" if record.get("problem") else ""
    return ", ".join(filter(None, parts)) + why


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
