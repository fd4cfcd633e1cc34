"""Waiting for what was done to take effect."""

from __future__ import annotations

import time
from collections.abc import Callable

from foundation.console import spell_duration
from foundation.failure import Failure

POLL_SECONDS = 0.1


def comes_true(look: Callable[[], bool], within: float) -> bool:
    """Whether this is so by then. Looks at least once."""
    end = time.monotonic() + within
    while not look():
        if time.monotonic() > end:
            return False
        time.sleep(POLL_SECONDS)
    return True


def not_in_time(what: str, seconds: float, next_step: str) -> Failure:
    """For what was done and has not taken effect."""
    return Failure(f"{what} within {spell_duration(seconds)}", next_step)
