"""A mean, and between which values it lies with 95 % confidence."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

LEAST = 5
"""Values; of fewer an interval says nothing."""
DRAWN = 4000


@dataclass(frozen=True)
class Interval:
    """`low` and `high` are None where there were too few values. Percentile bootstrap (Efron 1979)."""

    mean: float
    low: float | None
    high: float | None


def interval_of(values: Sequence[float]) -> Interval | None:
    """None of no values. The same values give the same interval."""
    if not values:
        return None
    if len(values) < LEAST:
        return Interval(fmean(values), None, None)
    draw = random.Random(0)
    means = sorted(fmean(draw.choices(values, k=len(values))) for _ in range(DRAWN))
    return Interval(fmean(values), means[round(0.025 * DRAWN)], means[round(0.975 * DRAWN) - 1])
