"""The deadline of the request at hand: set where it enters, inherited by every call it makes.

It travels as the header ``failwhale-deadline``, an absolute Unix time, so that time spent on the way
counts. All parts of a site share one clock (one machine, or NTP); a skewed clock shortens or lengthens
deadlines by its skew.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

HEADER = b"failwhale-deadline"

_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


def current() -> float:
    """The deadline of this context in Unix seconds; infinity when there is none."""
    return _deadline.get()


def remaining() -> float:
    """Seconds until the deadline: negative when it has passed, infinity when there is none."""
    at = _deadline.get()
    return at if at == math.inf else at - time.time()


@contextmanager
def deadline_at(unix_seconds: float) -> Iterator[None]:
    """Within the block the deadline is this one, or the one already set if that is earlier."""
    token = _deadline.set(min(unix_seconds, _deadline.get()))
    try:
        yield
    finally:
        _deadline.reset(token)


def deadline_within(seconds: float) -> AbstractContextManager[None]:
    """Within the block the deadline is at most so many seconds from now."""
    return deadline_at(time.time() + seconds)


@contextmanager
def afresh_within(seconds: float) -> Iterator[None]:
    """Within the block the deadline is so many seconds from now, also when that of the request has passed.

    For what a stream does long after it was asked for.
    """
    token = _deadline.set(time.time() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def encode(unix_seconds: float) -> bytes:
    """The header's value."""
    return b"%.6f" % unix_seconds


def parse(value: bytes | str) -> float:
    """The deadline in Unix seconds that a header says; infinity for one that says nothing sensible."""
    try:
        at = float(value)
    except ValueError:
        return math.inf
    return at if at > 0 else math.inf  # also not for NaN: a comparison with it is false
