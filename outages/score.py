"""Who measures the monitor: outages that users felt, beside those that it recorded. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from outages.clock import stamp
from outages.history import Felt

SLACK = 3.0
"""Seconds by which the monitoring's record may lie beside an outage and still mean it."""


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
        """caught, missed or invented."""
        if self.felt is None:
            return "invented"
        return "missed" if self.recorded is None else "caught"

    @property
    def detection_delay(self) -> float | None:
        """Seconds from the first failed attempt to the alert."""
        return self.felt.detection_delay if self.felt else None

    @property
    def duration_error(self) -> float | None:
        """Seconds by which the recorded outage is longer than the felt one."""
        if self.felt is None or self.recorded is None:
            return None
        return self.recorded.duration(self.now) - self.felt.duration(self.now)


def pair(felt: Sequence[Felt], recorded: Sequence[Felt], now: float) -> list[Pair]:
    """Match outages of the same journey and kind by their largest overlap.

    A recording catches every outage that it truly overlaps: several in quick succession may be one to the
    monitoring. One that only lies within SLACK seconds catches a single outage, the nearest, and only when it
    has caught nothing else. A recording is invented when it catches nothing and overlaps nothing.
    """
    overlaps = sorted(
        (
            (_overlap(outage, other, now), number, which)
            for number, outage in enumerate(felt)
            for which, other in enumerate(recorded)
            if (outage.journey, outage.kind) == (other.journey, other.kind)
        ),
        key=lambda found: -found[0],
    )
    caught: dict[int, int] = {}
    used = {which for overlap, _, which in overlaps if overlap > 0}
    for overlap, number, which in overlaps:
        if number not in caught and (overlap > 0 or (overlap >= -SLACK and which not in used)):
            caught[number] = which
            used.add(which)
    pairs = [
        Pair(outage, recorded[caught[number]] if number in caught else None, now)
        for number, outage in enumerate(felt)
    ]
    return pairs + [Pair(None, other, now) for which, other in enumerate(recorded) if which not in used]


def _overlap(one: Felt, other: Felt, now: float) -> float:
    """Seconds of overlap; negative for the gap between two that do not."""
    ends = [now if outage.end is None else outage.end for outage in (one, other)]
    return min(ends) - max(one.start, other.start)


def score(pairs: Sequence[Pair]) -> dict[str, Any]:
    """The object of `failwhale score --json`."""
    verdicts = [row.verdict for row in pairs]
    return {
        "caught": verdicts.count("caught"),
        "missed": verdicts.count("missed"),
        "invented": verdicts.count("invented"),
        "alerted": sum(row.detection_delay is not None for row in pairs),
        "detection_delay": _quantiles([row.detection_delay for row in pairs]),
        "duration_error": _quantiles([row.duration_error for row in pairs]),
        "rows": [_row(row) for row in pairs],
    }


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
