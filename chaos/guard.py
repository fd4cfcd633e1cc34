"""Looks at users while a fault with a stop condition is in force, and has it ended when that is met.

It stands in the controller, so it goes on when whoever asked for the fault is gone. What cannot be judged is
not safe: the fault ends as well once nobody has said for a while how users fare.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from chaos.stop_condition import StopCondition
from testbed.instruments import JourneyRow

STOPPED = "stop condition"
"""How who ended such a fault is called, with what was seen behind it."""
LOOK_SECONDS = 0.2
BLIND_SECONDS = 5.0
"""After so many seconds without an answer of the prober a fault that depends on it is ended."""


def watch(
    condition: StopCondition,
    journeys: Callable[[], Mapping[str, JourneyRow]],
    over: Callable[[], bool],
    end: Callable[[str], object],
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], object] = threading.Event().wait,
) -> None:
    """Until the fault is `over`, or the condition is met: then `end` it, and say why. `journeys` are empty
    while nobody answers."""
    held_since: float | None = None
    seen_at = clock()
    while not over():
        now = journeys()
        if now:
            seen_at = clock()
            if not condition.holds(now):
                held_since = None
            elif held_since is None:
                held_since = clock()
            if held_since is not None and clock() - held_since >= condition.seconds:
                end(f"{STOPPED}: {', '.join(condition.hurt(now))}")
                return
        elif clock() - seen_at >= BLIND_SECONDS:
            end(f"{STOPPED}: the prober does not answer")
            return
        pause(LOOK_SECONDS)
