"""One idea of time for everything that is recorded: RFC 3339 in UTC with microseconds."""

from __future__ import annotations

import time
from datetime import UTC, datetime

ACCEPTED_DRIFT = 0.05
"""Seconds that the anchored clock may differ from the wall clock before it is anchored again."""


def stamp(seconds: float) -> str:
    """Unix seconds as RFC 3339 text, for example ``2026-01-31T12:00:00.123456Z``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse(text: str) -> float:
    """RFC 3339 text as Unix seconds. Raises ValueError when it is no time."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


class Clock:
    """Wall-clock seconds that run with the monotonic clock.

    A step of the wall clock in the middle of an outage must not change the length of the outage. Others
    stamp their lines with the wall clock, so `settle`, called between measurements, follows a lasting step.
    """

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Unix seconds."""
        return time.monotonic() + self._offset

    def settle(self) -> float:
        """Anchor again when the wall clock was moved; returns by how many seconds (0.0 as a rule)."""
        moved = time.time() - self.now()
        if abs(moved) < ACCEPTED_DRIFT:
            return 0.0
        self._offset += moved
        return moved
