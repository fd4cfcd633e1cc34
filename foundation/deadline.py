"""How long something may still last, by two clocks: the one that says less counts.

The wall clock outlives a restart of the machine, but it can be set, and an hour back would be an hour more
for whoever trusts it alone. The machine's own clock cannot.
"""

from __future__ import annotations

import time

from foundation.clock import steady


def left(until: float, by_machine: float | None) -> float:
    """Seconds until a moment (Unix seconds) that the machine's own clock also knows, if it was asked."""
    by_wall = until - time.time()
    return by_wall if by_machine is None else min(by_wall, by_machine - steady())
