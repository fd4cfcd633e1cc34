"""How long something may still last, by two clocks: the one that says less counts.

The wall clock outlives a restart of the machine, but it can be set, and an hour back would be an hour more
for whoever trusts it alone. The machine's own clock cannot be set.
"""

from __future__ import annotations

import time


def machine_clock() -> float:
    """Seconds since the machine was started, its sleep included where the system counts that (Linux)."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def left(until: float, by_machine: float | None) -> float:
    """Seconds until a moment (Unix seconds) that the machine's own clock also knows, if it was asked."""
    by_wall = until - time.time()
    return by_wall if by_machine is None else min(by_wall, by_machine - machine_clock())
