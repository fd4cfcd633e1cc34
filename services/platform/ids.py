"""Ids that carry their time: 41 bits of milliseconds, 4 bits of worker, 8 bits of sequence.

53 bits in all, so that an id survives a double: JavaScript, JSON readers and the scores of Redis sorted sets
keep it exactly. Ids of one worker only grow; ids of several workers sort by millisecond.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from services.platform import wall_clock

EPOCH_MILLISECONDS = 1_767_225_600_000
"""2026-01-01T00:00:00Z. 41 bits of milliseconds last until 2095."""

WORKERS = 1 << 4
SEQUENCES = 1 << 8
_SHIFT = 12


def wall_clock_milliseconds() -> int:
    return wall_clock.milliseconds()


class Snowflakes:
    """Makes the ids of one worker. Not for use by several threads."""

    def __init__(self, worker: int, clock: Callable[[], int] = wall_clock_milliseconds) -> None:
        """`worker` (0 to 15) must differ between all that make ids of one kind; `clock` gives Unix ms."""
        if not 0 <= worker < WORKERS:
            raise ValueError(f"worker must be 0 to {WORKERS - 1}, not {worker}")
        self._worker = worker
        self._clock = clock
        self._millisecond = 0
        self._sequence = 0

    def begin_after(self, identifier: int) -> None:
        """Make only ids greater than this one, which the worker made in an earlier life."""
        millisecond, sequence = identifier >> _SHIFT, identifier & (SEQUENCES - 1)
        if (millisecond, sequence) > (self._millisecond, self._sequence):
            self._millisecond, self._sequence = millisecond, sequence

    def next(self) -> int:
        """A new id, greater than every one before.

        Never waits: when the clock steps back, or more than 256 ids fall into one millisecond, ids run
        ahead of the clock until it has caught up.
        """
        now = self._clock() - EPOCH_MILLISECONDS
        if now > self._millisecond:
            self._millisecond = now
            self._sequence = 0
        else:
            self._sequence += 1
            if self._sequence == SEQUENCES:
                self._millisecond += 1
                self._sequence = 0
        return self._millisecond << _SHIFT | self._worker << 8 | self._sequence


def milliseconds(identifier: int) -> int:
    """When an id was made, in Unix milliseconds."""
    return (identifier >> _SHIFT) + EPOCH_MILLISECONDS


def created_at(identifier: int) -> str:
    """The RFC 3339 time that an id carries."""
    moment = datetime.fromtimestamp(milliseconds(identifier) / 1000, UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def first_id_at(unix_milliseconds: int) -> int:
    """The smallest id that could be made in this millisecond (0 for a time before 2026)."""
    return max(0, unix_milliseconds - EPOCH_MILLISECONDS) << _SHIFT


def worker_of(service: str, place: str | None) -> int:
    """The worker number of a service in a place: distinct for every pair of them that makes ids."""
    return _SERVICES.index(service) * 2 + _PLACES.index(place or "east")


_SERVICES = ("auth", "post", "retweet", "timeline", "notify", "frontend")
_PLACES = ("east", "west")
