"""The time of day, as this part has it: whoever judges or writes a time of day asks here.

A fault sets it ahead or back. Not asked here are the deadlines of calls, which go by a clock that all parts
share, and whatever is measured.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

MAY_DIFFER = 60.0
"""By how many seconds the clock of whoever issued a session may be ahead."""

_ahead = 0.0


def now() -> float:
    """Unix seconds."""
    return time.time() + _ahead


def milliseconds() -> int:
    """The same in whole Unix milliseconds."""
    return (time.time_ns() + int(_ahead * 1e9)) // 1_000_000


@contextmanager
def set_ahead(seconds: float) -> Iterator[None]:
    """Within the block it is so many seconds later than it is; earlier, where they are negative."""
    global _ahead
    _ahead += seconds
    try:
        yield
    finally:
        _ahead -= seconds
