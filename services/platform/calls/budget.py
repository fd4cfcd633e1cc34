"""How many calls may be repeated: a share of all calls, and a few per second whatever the traffic."""

from __future__ import annotations

import time
from collections.abc import Callable

SHARE = 0.2
PER_SECOND = 3.0

MOST_SAVED = 100.0
"""Repeats that may be saved up: what fails at once when one of two busy replicas dies."""


class RetryBudget:
    """Keeps retries from multiplying the load on a service that is in trouble already."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._saved = 10 * PER_SECOND
        self._at = clock()

    def deposit(self) -> None:
        """A call is made for the first time."""
        self._saved += SHARE

    def withdraw(self) -> bool:
        """Whether a call may be repeated now; if so, that is paid for."""
        now = self._clock()
        self._saved = min(self._saved + (now - self._at) * PER_SECOND, MOST_SAVED)
        self._at = now
        if self._saved < 1.0:
            return False
        self._saved -= 1.0
        return True
