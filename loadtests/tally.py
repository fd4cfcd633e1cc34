"""Counts what a load did: three honest numbers, latencies, errors by kind.

*offered* is every request that somebody wanted to make by the schedule; *sent* those that were made;
*completed* those that were answered, whatever the answer; *good* those that were answered as expected. What
was offered and not sent is told by reason.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

KEPT_UP_LAG = 0.1
"""Seconds by which 99 of 100 starts may lag behind the generator's own schedule: beyond that, doubt it."""

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}

DROPPED = "dropped"
"""Not sent because the generator itself had too much in flight."""

MISSED = "missed"
"""Not sent because the person was still waiting for the answer before."""

BACKING_OFF = "backing-off"
"""Not sent because the site had asked to come back later."""

UNFINISHED = "unfinished"
"""Sent, and cut off by the end of the load."""


class Tally:
    """Counts one load. For one thread."""

    def __init__(self) -> None:
        self.sent = 0
        self.completed = 0
        self.good = 0
        self.ended = 0
        self.not_sent: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self._latencies: dict[str, array[float]] = {}
        self._good_by_operation: Counter[str] = Counter()
        self._lags = array("d")
        self._read = {"ended": 0, "good": 0}

    @property
    def offered(self) -> int:
        return self.sent + self.not_sent.total()

    def begin(self) -> None:
        """A request is about to be sent."""
        self.sent += 1

    def end(self, operation: str, latency: float, error: str, *, answered: bool) -> None:
        """A request is over after `latency` seconds. `error` is its kind, empty for a good answer."""
        self.ended += 1
        self._latencies.setdefault(operation, array("d")).append(latency)
        if answered:
            self.completed += 1
        if error:
            self.errors[error] += 1
        else:
            self.good += 1
            self._good_by_operation[operation] += 1

    def leave_out(self, reason: str) -> None:
        """A request was due and is not sent."""
        self.not_sent[reason] += 1

    def lag(self, seconds: float) -> None:
        """The generator began something this much later than its own schedule said."""
        self._lags.append(seconds)

    @property
    def kept_up(self) -> bool:
        """Whether the generator kept its own schedule; when not, latencies are partly its own."""
        lag = percentile(sorted(self._lags), 0.99)
        return self.not_sent[DROPPED] == 0 and (lag is None or lag <= KEPT_UP_LAG)

    def progress(self) -> dict[str, Any]:
        """What a live line needs; `ended_since` and `good_since` count from the call before."""
        before, self._read = self._read, {"ended": self.ended, "good": self.good}
        return {
            "offered": self.offered,
            "sent": self.sent,
            "completed": self.completed,
            "good": self.good,
            "ended_since": self.ended - before["ended"],
            "good_since": self.good - before["good"],
            "errors": dict(self.errors),
        }

    def summary(self) -> dict[str, Any]:
        """The whole count; latencies are in seconds and include what was never answered."""
        errors = Counter(self.errors)
        if self.sent > self.ended:
            errors[UNFINISHED] = self.sent - self.ended
        return {
            "offered": self.offered,
            "sent": self.sent,
            "completed": self.completed,
            "good": self.good,
            "latency": spread(latency for latencies in self._latencies.values() for latency in latencies),
            "errors": dict(errors.most_common()),
            "not_sent": dict(self.not_sent.most_common()),
            "generator_kept_up": self.kept_up,
            "generator_lag": spread(self._lags),
            "operations": [self._operation(name) for name in sorted(self._latencies)],
        }

    def _operation(self, name: str) -> dict[str, Any]:
        latencies = self._latencies[name]
        return {
            "operation": name,
            "count": len(latencies),
            "good": self._good_by_operation[name],
            "latency": spread(latencies),
        }


def spread(values: Iterable[float]) -> dict[str, float | None]:
    """The percentiles of a result, rounded to microseconds; None each when there are no values."""
    ordered = sorted(values)
    found = {name: percentile(ordered, share) for name, share in PERCENTILES.items()}
    return {name: None if value is None else round(value, 6) for name, value in found.items()}


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The value that `share` of all do not exceed (nearest rank), None when there is none."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
