"""What the controller shows to Prometheus besides its counters: faults in force, and who is the primary."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from chaos.journal import Entry
from foundation.failure import Failure
from testbed.endpoint_certificates import EndpointCertificate

log = logging.getLogger(__name__)

ASK_STORES_EVERY = 1.0
"""Seconds: as often as Prometheus looks."""

ASK_ENDPOINTS_EVERY = 10.0
"""Seconds. It takes a handshake or two with each endpoint."""


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


class CertificatesPresented(Collector):
    """How long what each endpoint really presents is good, and whether it is.

    They are asked beside the scrapes, since that takes a handshake each.
    """

    def __init__(self, look: Callable[[], Iterable[EndpointCertificate]]) -> None:
        """`look` asks all endpoints. It may block."""
        self._look = look
        self._rows: Iterable[EndpointCertificate] = ()

    async def keep_asking(self) -> None:
        """Ask again and again, until cancelled."""
        while True:
            try:
                self._rows = await asyncio.to_thread(self._look)
            except (Failure, OSError, ValueError) as error:
                log.debug("the endpoints cannot be asked: %s", error)
                self._rows = ()
            await asyncio.sleep(ASK_ENDPOINTS_EVERY)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Called at each scrape."""
        left = GaugeMetricFamily(
            "certificate_days_left",
            "Lab days until the certificate ends that a fresh handshake gets (client: that its file has).",
            labels=["presented_by", "endpoint"],
        )
        good = GaugeMetricFamily(
            "certificate_good",
            "Whether who trusts the site's CA takes what a fresh handshake gets.",
            labels=["presented_by", "endpoint"],
        )
        for row in self._rows:
            labels = [row.presented_by, row.endpoint]
            if row.days_left is not None:
                left.add_metric(labels, row.days_left)
                if row.served is not None:
                    good.add_metric(labels, row.served == "good")
        yield left
        yield good


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
