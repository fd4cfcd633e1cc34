"""Outages in words: the headline of a run, what users felt of a fault, how times are written for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from foundation.console import spell_duration
from outages.history import History
from outages.model import Felt, InjectedFault, Operated, Reconfigured
from outages.stories import Hurt, Story, counted
from testbed.error_words import Names, spell_error

COMES_FROM_THE_PROBER = (
    "What Prometheus knows of the journeys it has from the prober, which measured the outages: this says how "
    "well it keeps up with the prober, not what it would see without one."
)

WHAT_ALERT_MEANS = (
    "alert: how long after the beginning of an outage Prometheus raised one; late: it came when the outage "
    "was over; none: none came."
)

NO_FAULT = "no known fault"


def clock(moment: float) -> str:
    """A Unix time as hours, minutes and seconds in UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S")


def spell_change(change: Reconfigured) -> str:
    """A change of the configuration: what, by whom, and why."""
    why = f" ({change.reason})" if change.reason else ""
    return f"configuration {change.version} by {change.by}: {change.what or 'nothing is different'}{why}"


def spell_operation(one: Operated) -> str:
    """An operation: what, by whom, and what came of it."""
    what = " ".join(filter(None, (one.operation, one.target)))
    return f"{what} by {one.by}: {one.said if one.is_done else f'refused, {one.said}'}"


def lasted(seconds: float, *, at_least: bool) -> str:
    """How long an outage was; `at_least` where nobody saw its end."""
    return f"at least {spell_duration(seconds)}" if at_least else spell_duration(seconds)


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
    outages = counted(history.outages)
    slow, down = ([one for one in outages if one.kind == kind] for kind in ("slow", "down"))
    slow_words = _count(len(slow), "degradation") if slow else ""
    if not down:
        without = "No outage" if history.faults else "No outage, and no fault was injected"
        return f"{without}; {slow_words}." if slow else f"{without}."
    journey, seconds = felt_by_journey(history.outages, history.now())[0]
    of_it = [one for one in down if one.journey == journey]
    spelled = lasted(seconds, at_least=any(one.is_at_least for one in of_it))
    count = _count(len(down), "outage") + (f" and {slow_words}" if slow else "")
    return f"{count}; {journey} was down longest, for {spelled}{' in all' if len(of_it) > 1 else ''}."


def number_of(outages: Iterable[Felt]) -> str:
    """How many, counted as in the headline: `2 outages`, `3 degradations`, `5 outages and degradations`."""
    hurts = counted(outages)
    kinds = {hurt.kind for hurt in hurts}
    if len(kinds) > 1:
        return f"{len(hurts)} outages and degradations"
    return _count(len(hurts), "degradation" if kinds == {"slow"} else "outage")


def felt(hurts: Sequence[Hurt], now: float) -> list[str]:
    """What users felt of one fault, a line each journey, worst first, in the console's markup."""
    if not hurts:
        return ["[green]Nobody noticed.[/green]"]
    return [
        f"[{'red' if hurt.kind == 'down' else 'yellow'}]{hurt.journey} {hurt.kind} for"
        f" {lasted(hurt.seconds(now), at_least=hurt.is_at_least)}{_often(hurt)}[/]"
        for hurt in hurts
    ]


def _often(hurt: Hurt) -> str:
    return f", {len(hurt.times)} times" if len(hurt.times) > 1 else ""


def journeys_hurt(hurts: Sequence[Hurt], room: int) -> str:
    """Which journeys, worst first, in at most so many characters: by name if there is room, else the
    worst and how many more, else how many. One that was slow besides being down is named once."""
    worst_of: dict[str, Hurt] = {}
    for hurt in hurts:
        worst_of.setdefault(hurt.journey, hurt)
    names = ", ".join(map(_name, worst_of.values()))
    worst, others = hurts[0].journey, len(worst_of) - 1
    number = _count(others + 1, "journey")
    told = (names, f"{number}, {worst} longest", f"{worst} +{others}") if others else (names, worst)
    return next((text for text in told if len(text) <= room), number)


def _name(hurt: Hurt) -> str:
    slow = " slow" if hurt.kind == "slow" else ""
    return f"{hurt.journey}{slow}{f' ×{len(hurt.times)}' if len(hurt.times) > 1 else ''}"


def error(outages: Iterable[Felt], names: Names) -> str:
    """What was seen most often, in people's words."""
    seen: Counter[str] = Counter()
    for outage in outages:
        if words := spell_error(outage.error, names):
            seen[words] += max(1, outage.failed)
    return seen.most_common(1)[0][0] if seen else ""


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
    return _titles(outage.causes, "after " if outage.after_effect else "")


def cause(story: Story) -> str:
    """The faults of a story, each once: `kill post:all`."""
    return _titles(story.causes) or NO_FAULT


def _titles(faults: Iterable[InjectedFault], before: str = "") -> str:
    titles = [f"{before}{one[0].name} {targets(one)}" for one in by_id(faults)]
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
