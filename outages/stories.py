"""Outages told by their cause: what one fault did to users, over all journeys. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from outages.model import Felt, InjectedFault


@dataclass(frozen=True)
class Hurt:
    """A journey that was down, or slow, under one cause: one outage, however often it came and went."""

    journey: str
    kind: str
    times: tuple[Felt, ...]

    def seconds(self, now: float) -> float:
        """How long, all times together."""
        return sum(one.duration(now) for one in self.times)

    @property
    def is_at_least(self) -> bool:
        """Whether nobody saw the end of one of them, so that it may have been longer."""
        return have_unknown_end(self.times)


@dataclass(frozen=True)
class Story:
    """What had the same faults as its causes. Without any it is what no known fault explains."""

    outages: tuple[Felt, ...]

    @property
    def causes(self) -> Sequence[InjectedFault]:
        return self.outages[0].causes

    @property
    def start(self) -> float:
        """When the first began, in Unix seconds."""
        return min(outage.start for outage in self.outages)

    def hurts(self, now: float) -> list[Hurt]:
        """The journeys that were hurt, those that were down first, the longest first."""
        times: dict[tuple[str, str], list[Felt]] = {}
        for outage in self.outages:
            times.setdefault((outage.journey, outage.kind), []).append(outage)
        hurts = [Hurt(*what, tuple(found)) for what, found in times.items()]
        return sorted(hurts, key=lambda hurt: (hurt.kind != "down", -hurt.seconds(now)))

    def total(self, now: float) -> float:
        """Seconds in which users felt anything of it: in which at least one journey was hurt."""
        felt, reached = 0.0, self.start
        for outage in sorted(self.outages, key=lambda outage: outage.start):
            end = outage.start + outage.duration(now)
            felt += max(0.0, end - max(outage.start, reached))
            reached = max(reached, end)
        return felt

    @property
    def is_at_least(self) -> bool:
        """Whether nobody saw the end of one of its outages."""
        return have_unknown_end(self.outages)


APART = 30.0
"""Seconds of quiet that keep outages apart which no known fault explains."""


def stories(outages: Iterable[Felt]) -> list[Story]:
    """In the order in which they began. What has no known fault is together as long as it follows closely."""
    groups: dict[frozenset[str] | float, list[Felt]] = {}
    began = reached = -inf
    for outage in sorted(outages, key=lambda outage: outage.start):
        faults = frozenset(fault.id for fault in outage.causes)
        if not faults:
            began = outage.start if outage.start > reached + APART else began
            reached = max(reached, inf if outage.end is None else outage.end)
        groups.setdefault(faults or began, []).append(outage)
    return sorted((Story(tuple(group)) for group in groups.values()), key=lambda story: story.start)


def counted(outages: Iterable[Felt]) -> list[Hurt]:
    """The outages as they are counted wherever their number is told: a journey that comes and goes under the
    same faults counts once, what has no known fault each time."""
    groups: dict[tuple[str, str, frozenset[str] | int], list[Felt]] = {}
    for number, outage in enumerate(outages):
        faults = frozenset(fault.id for fault in outage.causes)
        groups.setdefault((outage.journey, outage.kind, faults or number), []).append(outage)
    return [Hurt(journey, kind, tuple(times)) for (journey, kind, _), times in groups.items()]


def have_unknown_end(outages: Iterable[Felt]) -> bool:
    """Whether nobody saw the end of one of them."""
    return any(not outage.has_known_end for outage in outages)


def hurt_by(outages: Iterable[Felt], fault: str, now: float) -> list[Hurt]:
    """What users felt of one fault, alone or with others, worst first; empty when nobody noticed."""
    caused = tuple(
        outage for outage in outages if fault in {one.id for one in (*outage.causes, *outage.joined)}
    )
    return Story(caused).hurts(now) if caused else []
