"""What the controller shows to Prometheus besides its counters: faults in force, and who is the primary."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from chaos.journal import Entry
from foundation.failure import Failure

log = logging.getLogger(__name__)

ASK_STORES_EVERY = 1.0
"""Seconds: as often as Prometheus looks."""


class FaultsInForce(Collector):
    """One series for each fault on each part, from its application until it ceases or is seen to be undone.

    There are no more of them than faults times parts: the same fault is never twice on one part.
    """

    def __init__(self, entries: Callable[[], Iterable[Entry]]) -> None:
        self._entries = entries

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Called at each scrape."""
        family = GaugeMetricFamily(
            "chaos_fault_start_time_seconds",
            "Since when a fault is in force on a part (Unix seconds); no series once it is over.",
            labels=["fault", "target"],
        )
        for (fault, target), since in in_force(self._entries()).items():
            family.add_metric([fault, target], since)
        yield family


def in_force(entries: Iterable[Entry]) -> dict[tuple[str, str], float]:
    """By fault and part, since when (Unix seconds). A fault whose end is unknown counts as in force."""
    return {
        (entry.order.fault, target): progress.applied
        for entry in entries
        for target, progress in entry.progress.items()
        if progress.applied is not None and progress.ceased is None and progress.reverted is None
    }


class StoreRoles(Collector):
    """Which store is the primary, as the stores themselves say.

    They are asked beside the scrapes: giving up one that is paused takes longer than a scrape may.
    """

    def __init__(self, ask: Callable[[], Mapping[str, str]]) -> None:
        """`ask` returns `primary` or `replica` by part, without those that do not answer. It may block."""
        self._ask = ask
        self._roles: Mapping[str, str] = {}

    async def keep_asking(self) -> None:
        """Ask once a second, until cancelled."""
        while True:
            try:
                self._roles = await asyncio.to_thread(self._ask)
            except (Failure, OSError) as error:  # no site yet: the controller may be up before it
                log.debug("the stores cannot be asked: %s", error)
                self._roles = {}
            await asyncio.sleep(ASK_STORES_EVERY)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Called at each scrape."""
        family = GaugeMetricFamily(
            "store_primary",
            "1 for a store that is the primary, 0 for a replica; no series for one that does not answer.",
            labels=["store"],
        )
        for store, role in self._roles.items():
            family.add_metric([store], role == "primary")
        yield family
