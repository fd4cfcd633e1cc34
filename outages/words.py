"""Outages in words: the headline of a run, and how times are written for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from failwhale.console import spell_duration
from outages.history import Felt, History


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
    """One sentence: how many outages, and who felt the most."""
    if history.began is None:
        return "Nobody has looked yet: the prober has not run."
    now = history.now()
    worst = felt_by_journey(history.outages, now)
    slow = sum(outage.kind == "slow" for outage in history.outages)
    down = len(history.outages) - slow
    slow_words = f"{_count(slow, 'slow spell')}" if slow else ""
    if not down:
        without = "No outage" if history.faults else "No outage, and no fault was injected"
        return f"{without}; {slow_words}." if slow else f"{without}."
    journey, seconds = worst[0]
    count = _count(down, "outage") + (f" and {slow_words}" if slow else "")
    return f"{count}; users of {journey} felt {spell_duration(seconds)}."


def causes(outage: Felt) -> str:
    """The faults that caused an outage, each once."""
    return ", ".join(dict.fromkeys(fault.title for fault in outage.causes))


def detection(outage: Felt) -> str:
    """What the alerts made of an outage; empty when nobody asked."""
    if outage.detected is None:
        return ""
    return f"+{outage.detection_delay:.1f}s" if outage.detection_delay is not None else "missed"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
