"""What the prober shows to Prometheus of operations: marks for the graphs, read in the ledger."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from foundation.clock import parse
from foundation.ledger import Tail
from foundation.records import fits

SHOWN_SECONDS = 10.0
"""As long as a change of the release is shown."""


class OperationsDone(Collector):
    """One series for each operation on a target, for some seconds after it was done."""

    def __init__(self, ledger: Path) -> None:
        self._tail = Tail(ledger)
        self._tail.skip()
        self._done: dict[tuple[str, str], float] = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Called at each scrape."""
        for record in self._tail.new():
            if record["kind"] == "operation.done" and fits(record):
                self._done[record["operation"], record["target"]] = parse(record["at"])
        lately = time.time() - SHOWN_SECONDS
        self._done = {what: at for what, at in self._done.items() if at >= lately}
        family = GaugeMetricFamily(
            "operation_done_time_seconds",
            "When an engineer's operation was done (Unix seconds); no series ten seconds later.",
            labels=["operation", "target"],
        )
        for what, at in self._done.items():
            family.add_metric(what, at)
        yield family
