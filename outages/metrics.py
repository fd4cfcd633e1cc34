"""What the prober shows to Prometheus."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.registry import Collector

from outages.journey_names import NAMES

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds. Few, because a scrape each second reads them all, for each journey."""

OUTCOMES = ("good", "slow", "bad")

# A second series per child that says when it began; it doubles what a scrape costs and nothing reads it.
disable_created_metrics()  # type: ignore[no-untyped-call]


class ProberMetrics:
    """Attempts and their durations by journey, in a registry of its own. Children are made once and kept."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        attempts = Counter(
            "journey_attempts_total", "Attempts by outcome.", ["journey", "outcome"], registry=self._registry
        )
        durations = Histogram(
            "journey_duration_seconds",
            "From the intended start of an attempt to its end, failed ones included.",
            ["journey"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        up = Gauge(
            "journey_up", "0 while an outage of the journey is seen.", ["journey"], registry=self._registry
        )
        no_data = Gauge(
            "journey_no_data",
            "1 while nothing is known of the journey: it could not be tried.",
            ["journey"],
            registry=self._registry,
        )
        self._likes_error = Gauge(
            "prober_likes_error",
            "How many likes a post is said to have beyond those that it has; NaN while nobody says.",
            registry=self._registry,
        )
        self._waiting = Gauge(
            "prober_record_waiting", "Records that wait in memory for room.", registry=self._registry
        )
        self._dropped = Gauge(
            "prober_record_dropped", "Records that were given up for want of room.", registry=self._registry
        )
        # All series exist from the beginning: a counter that appears with its first failure has no increase.
        self._attempts = {
            (name, outcome): attempts.labels(name, outcome) for name in NAMES for outcome in OUTCOMES
        }
        self._durations = {name: durations.labels(name) for name in NAMES}
        self._up = {name: up.labels(name) for name in NAMES}
        self._no_data = {name: no_data.labels(name) for name in NAMES}

    def observe(self, journey: str, outcome: str, seconds: float) -> None:
        """Count one attempt."""
        self._attempts[journey, outcome].inc()
        self._durations[journey].observe(seconds)

    def up(self, journey: str, is_up: bool) -> None:
        self._up[journey].set(is_up)

    def no_data(self, journey: str, has_none: bool) -> None:
        self._no_data[journey].set(has_none)

    def likes_error(self, likes: float) -> None:
        self._likes_error.set(likes)

    def record(self, waiting: int, dropped: int) -> None:
        """How many records there was no room for."""
        self._waiting.set(waiting)
        self._dropped.set(dropped)

    def register(self, more: Collector) -> None:
        """Show what somebody else counts, too."""
        self._registry.register(more)

    def expose(self) -> bytes:
        """All metrics in the Prometheus text format."""
        return generate_latest(self._registry)


def without_journey(exposed: bytes, journey: str) -> bytes:
    """What is exposed, without the series of one journey."""
    label = f'journey="{journey}"'.encode()
    return b"".join(line for line in exposed.splitlines(keepends=True) if label not in line)
