"""From where logins fail, by address, in the last seconds: so that somebody on call sees who guesses."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, Gauge

from services.platform.control import ControlToken
from services.platform.site import held

WINDOW_SECONDS = 10.0
MOST_KEPT = 10_000
"""Failures; with more of them in that time the oldest count no more."""
TOLD = 20
"""Addresses."""

router = APIRouter(include_in_schema=False, dependencies=[ControlToken])


class FailedLogins:
    """Those of one edge. An address is no label of a metric, as a guesser has many: the metric has the number
    of the address that has most, and the control endpoint says which one that is."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: deque[tuple[float, str]] = deque(maxlen=MOST_KEPT)
        Gauge(
            "login_failures_busiest_source",
            "Logins with a wrong password in the last ten seconds, from the address that has most of them.",
            registry=registry,
        ).set_function(lambda: max(self.by_source().values(), default=0))

    def note(self, address: str) -> None:
        """A login from this address had a wrong password."""
        self._failures.append((self._clock(), address))

    def by_source(self) -> dict[str, int]:
        """By address, how many failed in the last seconds; the most first."""
        since = self._clock() - WINDOW_SECONDS
        while self._failures and self._failures[0][0] < since:
            self._failures.popleft()
        return dict(Counter(address for _, address in self._failures).most_common())


@router.get("/-/failed-logins")
async def failed_logins(failed: FailedLogins = held("failed_logins")) -> dict[str, Any]:
    """From where logins failed in the last `seconds`, the addresses that have most first."""
    sources = list(failed.by_source().items())[:TOLD]
    return {
        "seconds": WINDOW_SECONDS,
        "sources": [{"address": address, "failures": count} for address, count in sources],
    }
