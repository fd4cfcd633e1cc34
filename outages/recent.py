"""How a journey went in the last minute, in numbers. Pure; times are on one scale of seconds."""

from __future__ import annotations

import math
from collections import deque
from typing import TypedDict

SECONDS = 60.0
FEWEST_FOR_P99 = 100
"""Of fewer attempts the slowest is not the 99th of a hundred, and no more is said than is known."""


class Numbers(TypedDict):
    """Attempts per second, the share of them that failed, and how long they took in seconds; None where there
    were too few to say."""

    rate: float
    errors: float | None
    p50: float | None
    p99: float | None


class Recent:
    """The attempts of the last minute."""

    def __init__(self) -> None:
        self._attempts: deque[tuple[float, float, bool]] = deque()
        self._since: float | None = None

    def add(self, at: float, took: float, *, failed: bool) -> None:
        """An attempt that ended then."""
        self._since = at if self._since is None else self._since
        self._attempts.append((at, took, failed))
        self._forget(at)

    def numbers(self, now: float) -> Numbers:
        self._forget(now)
        known = sorted(took for _, took, _ in self._attempts)
        count = len(known)
        seconds = min(SECONDS, max(1.0, now - (now if self._since is None else self._since)))
        return {
            "rate": round(count / seconds, 2),
            "errors": sum(failed for *_, failed in self._attempts) / count if count else None,
            "p50": known[math.ceil(0.5 * count) - 1] if count else None,
            "p99": known[math.ceil(0.99 * count) - 1] if count >= FEWEST_FOR_P99 else None,
        }

    def _forget(self, now: float) -> None:
        while self._attempts and self._attempts[0][0] < now - SECONDS:
            self._attempts.popleft()
