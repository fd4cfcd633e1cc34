"""Time for everything that is recorded: measured by a clock that nobody sets, written as RFC 3339 in UTC."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

if sys.platform == "linux":
    _STEADY = time.CLOCK_BOOTTIME
else:
    _STEADY = time.CLOCK_MONOTONIC_RAW

STEP = 0.05
"""Seconds by which the wall clock moves at once when it is set; less is its being adjusted."""

ATOMIC = 0.001
"""Seconds within which both clocks must be read to be compared."""


def stamp(seconds: float) -> str:
    """Unix seconds as RFC 3339 text, for example ``2026-01-31T12:00:00.123456Z``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse(text: str) -> float:
    """RFC 3339 text as Unix seconds. Raises ValueError when it is no time."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


def steady() -> float:
    """Seconds since the machine started, sleep included. Nobody can set this clock, and all processes of a
    machine, in containers or not, read the same."""
    return time.clock_gettime(_STEADY)


def _setting() -> float:
    """What is to be added to steady seconds to have Unix seconds, as the wall clock is set now."""
    while True:
        before, wall, after = steady(), time.time(), steady()
        if after - before < ATOMIC:  # else this process was interrupted between the two
            return wall - (before + after) / 2


@lru_cache(maxsize=1)
def boot() -> str:
    """Tells one start of the machine from another; empty where the system does not say."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    return ""


class Clock:
    """Steady seconds to schedule and measure by, converted to wall-clock time when they are written.

    A step of the wall clock changes neither what is measured nor what a record says of it: the times in one
    record are all told by the same setting of the wall clock. `settle`, called between measurements, takes
    over its present setting.
    """

    def __init__(self) -> None:
        self._offset = _setting()

    def now(self) -> float:
        """Steady seconds."""
        return steady()

    def wall(self, moment: float) -> float:
        """Steady seconds as Unix seconds, by the wall clock as it was set when this clock settled last."""
        return moment + self._offset

    def stamp(self, moment: float) -> str:
        """Steady seconds as RFC 3339 text."""
        return stamp(self.wall(moment))

    def reading(self) -> dict[str, Any]:
        """The present by both clocks, as every record bears it: `at`, `up` and `boot`."""
        now = self.now()
        return {"at": self.stamp(now), "up": round(now, 6), "boot": boot()}

    def is_outdated(self) -> bool:
        """Whether the wall clock was set since this clock settled last."""
        return abs(self._moved()) >= STEP

    def settle(self) -> float:
        """Take over the present setting; returns by how many seconds that was moved (0.0 as a rule)."""
        moved = self._moved()
        self._offset += moved
        return moved if abs(moved) >= STEP else 0.0

    def _moved(self) -> float:
        return _setting() - self._offset

    @staticmethod
    def asleep() -> float:
        """Seconds that the machine has slept since it was started."""
        return steady() - time.monotonic()


class Setting:
    """How the wall clock was set while the records of a ledger were written, from their `at` and their `up`.

    Several processes write, each by the wall clock, so whoever reads finds out when it was set, and tells
    what came before by the clock as it is set now: only so are times before and after comparable.
    """

    def __init__(self) -> None:
        self.steps: list[tuple[float, float]] = []
        """(Unix seconds by the clock as it was before the step, seconds by which it was moved)"""
        self._offset: float | None = None
        self._boot = ""

    def step(self, record: Mapping[str, Any]) -> float:
        """Seconds by which the wall clock was moved since the record before this one; 0.0 as a rule."""
        try:
            at, up = parse(record["at"]), float(record["up"])
        except (KeyError, TypeError, ValueError):
            return 0.0
        offset, before = at - up, self._offset
        boot_before, self._boot = self._boot, str(record.get("boot", ""))
        if before is None or boot_before != self._boot:  # over a restart the wall clock is all there is
            self._offset = offset
            return 0.0
        moved = offset - before
        if abs(moved) < STEP:
            return 0.0
        self._offset = offset
        self.steps.append((at - moved, moved))
        return moved

    def told_now(self, recorded: float) -> float:
        """A time that somebody noted by the wall clock in passing, told by the clock as it is set now."""
        return recorded + sum(moved for boundary, moved in self.steps if recorded <= boundary)

    def as_noted(self, start: float, end: float) -> tuple[float, float]:
        """The widest span of wall-clock times that were noted between two times told by the clock of now."""
        first, last, moved = start, end, 0.0
        for boundary, step in reversed(self.steps):
            moved += step
            first, last = min(first, start - moved), max(last, boundary)
        return first, last
