"""Who measures the monitor: outages that users felt, beside those that it recorded. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from foundation.clock import stamp
from outages.model import Felt, Page
from outages.stories import counted

SLACK = 3.0
"""Seconds by which the monitoring's record may lie beside an outage and still mean it."""

SUCCESSION = 5.0
"""Seconds between two outages that may be one to a monitoring that looks at the last three, once a second."""

Span = tuple[float, float]
"""Unix seconds of a beginning and an end."""


@dataclass(frozen=True)
class Pair:
    """An outage that was felt and what the monitoring made of it; one of the two may be missing."""

    felt: Felt | None
    recorded: Felt | None
    now: float

    @property
    def _either(self) -> Felt:
        outage = self.felt or self.recorded
        assert outage is not None
        return outage

    @property
    def journey(self) -> str:
        return self._either.journey

    @property
    def kind(self) -> str:
        return self._either.kind

    @property
    def start(self) -> float:
        return self._either.start

    @property
    def verdict(self) -> str:
        """detected, missed or false positive."""
        if self.felt is None:
            return "false positive"
        return "missed" if self.recorded is None else "detected"

    @property
    def detection_delay(self) -> float | None:
        """Seconds from the first failed attempt to the alert; None when none began within the outage."""
        return self.felt.detection_delay if self.felt and not self.felt.is_late else None

    @property
    def duration_error(self) -> float | None:
        """Seconds by which the recorded outage is longer than the felt one."""
        if self.felt is None or self.recorded is None:
            return None
        return self.recorded.duration(self.now) - self.felt.duration(self.now)


def pair(felt: Sequence[Felt], recorded: Sequence[Felt], now: float) -> list[Pair]:
    """Match outages of the same journey and kind by their largest overlap.

    A recording detects the outage in which it began, and those that follow in quick succession, as far as it
    overlaps them: to the monitoring they may be one. One that only lies within SLACK seconds detects a single
    outage, the nearest, and only when it has detected nothing else. A recording that began in no outage is a
    false positive, whatever happens while it goes on.
    """
    first = _beginnings(felt, now)
    overlaps = sorted(
        (
            (_overlap(outage, other, now), number, which)
            for number, outage in enumerate(felt)
            for which, other in enumerate(recorded)
            if _same(outage) == _same(other) and other.start >= first[number] - SLACK
        ),
        key=lambda found: -found[0],
    )
    detected: dict[int, int] = {}
    used = {which for overlap, _, which in overlaps if overlap > 0}
    for overlap, number, which in overlaps:
        if number not in detected and (overlap > 0 or (overlap >= -SLACK and which not in used)):
            detected[number] = which
            used.add(which)
    pairs = [
        Pair(outage, recorded[detected[number]] if number in detected else None, now)
        for number, outage in enumerate(felt)
    ]
    return pairs + [Pair(None, other, now) for which, other in enumerate(recorded) if which not in used]


def _same(outage: Felt) -> tuple[str, str]:
    return outage.journey, outage.kind


def _beginnings(felt: Sequence[Felt], now: float) -> list[float]:
    """For each outage, when it began, or the first of those that it follows in quick succession."""
    beginnings = [0.0] * len(felt)
    latest: dict[tuple[str, str], tuple[float, float]] = {}
    for number in sorted(range(len(felt)), key=lambda number: felt[number].start):
        outage = felt[number]
        began, ended = latest.get(_same(outage), (outage.start, outage.start))
        if outage.start > ended + SUCCESSION:
            began = outage.start
        beginnings[number] = began
        latest[_same(outage)] = began, max(ended, _end(outage, now))
    return beginnings


def _end(outage: Felt, now: float) -> float:
    return now if outage.end is None else outage.end


def _overlap(one: Felt, other: Felt, now: float) -> float:
    """Seconds of overlap; negative for the gap between two that do not."""
    return min(_end(one, now), _end(other, now)) - max(one.start, other.start)


def score(
    felt: Sequence[Felt],
    recorded: Sequence[Felt],
    now: float,
    no_data: Iterable[Span] = (),
    pages: Sequence[Page] = (),
) -> dict[str, Any]:
    """The object of `failwhale score --json`. Times of `no_data` do not count; `pages` are all that came."""
    pairs = pair(felt, recorded, now)
    outages = outcomes(pairs)
    detected = sum(any(row.recorded is not None for row in times) for times in outages)
    return {
        "detected": detected,
        "missed": len(outages) - detected,
        "false_positives": sum(row.felt is None for row in pairs),
        "seconds": _seconds(felt, recorded, now, list(no_data)),
        "alerted": sum(any(row.detection_delay is not None for row in times) for times in outages),
        "late": sum(_was_alerted_late(times) for times in outages),
        "paged": sum(_was_paged(times, pages, now) for times in outages),
        "pages": len(pages),
        "acknowledged": sum(page.acknowledged is not None for page in pages),
        "time_to_acknowledge": _quantiles(
            [None if page.acknowledged is None else page.acknowledged - page.at for page in pages]
        ),
        "detection_delay": _quantiles([row.detection_delay for row in pairs]),
        "duration_error": _quantiles([row.duration_error for row in pairs]),
        "rows": [_row(row) for row in pairs],
    }


def _was_alerted_late(times: Iterable[Pair]) -> bool:
    """Whether of an outage, each time that it came, no alert began within it, but one when it was over."""
    felt = [row.felt for row in times if row.felt is not None]
    return any(one.is_late for one in felt) and not any(one.detected for one in felt)


def _was_paged(times: Iterable[Pair], pages: Iterable[Page], now: float) -> bool:
    """Whether somebody got a page about the journey while it was hurt, or just after."""
    felt = [row.felt for row in times if row.felt is not None]
    return any(
        page.journey == one.journey and one.start <= page.at <= _end(one, now) + SLACK
        for one in felt
        for page in pages
    )


def outcomes(pairs: Iterable[Pair]) -> list[list[Pair]]:
    """What the monitoring made of each outage, as they are counted: each time that it came."""
    by_time = {id(row.felt): row for row in pairs if row.felt is not None}
    felt = [row.felt for row in by_time.values() if row.felt is not None]
    return [[by_time[id(time)] for time in outage.times] for outage in counted(felt)]


def _seconds(
    felt: Sequence[Felt], recorded: Sequence[Felt], now: float, no_data: list[Span]
) -> dict[str, float]:
    """Seconds in which a journey was down (or slow) and was recorded to be, was and was not recorded, and was
    not and was recorded to be; of all journeys together."""
    detected = missed = false = 0.0
    for what in {_same(outage) for outage in (*felt, *recorded)}:
        was = [(row.start, _end(row, now)) for row in felt if _same(row) == what]
        said = [(row.start, _end(row, now)) for row in recorded if _same(row) == what]
        both = _length([*was, *said, *no_data])
        missed += both - _length([*said, *no_data])
        false += both - _length([*was, *no_data])
        detected += _length([*was, *no_data]) + _length([*said, *no_data]) - both - _length(no_data)
    seconds = {"detected": detected, "missed": missed, "false_positives": false}
    return {name: round(value, 3) for name, value in seconds.items()}


def _length(spans: Iterable[Span]) -> float:
    """Seconds that at least one of the spans covers."""
    covered, reached = 0.0, -math.inf
    for start, end in sorted(spans):
        covered += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return covered


def _row(row: Pair) -> dict[str, Any]:
    return {
        "journey": row.journey,
        "kind": row.kind,
        "start": stamp(row.start),
        "verdict": row.verdict,
        "felt": None if row.felt is None else round(row.felt.duration(row.now), 3),
        "recorded_start": None if row.recorded is None else stamp(row.recorded.start),
        "recorded": None if row.recorded is None else round(row.recorded.duration(row.now), 3),
        "detection_delay": row.detection_delay,
        "alerted_late": row.felt is not None and row.felt.is_late,
        "duration_error": None if row.duration_error is None else round(row.duration_error, 3),
    }


def _quantiles(values: Sequence[float | None]) -> dict[str, float | None]:
    known = sorted(value for value in values if value is not None)
    return {"p50": quantile(known, 0.5), "p90": quantile(known, 0.9)}


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """The value that `share` of the ordered values do not exceed (nearest rank); None without values."""
    if not ordered:
        return None
    rank = max(0, min(len(ordered) - 1, -int(-share * len(ordered) // 1) - 1))
    return round(ordered[rank], 3)
