"""What faults share that change what the monitoring gets from a part, and what nobody feels: they are seen by
scrapes of our own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar

from chaos.fault import MAINTENANCE, SERVICES
from chaos.faults.calls.injection_point import SetInService
from chaos.journeys import JOURNEYS_OF
from testbed.control import Silent
from testbed.inventory import Part
from testbed.site import Site

PROBER = "prober"
SCRAPE_TIMEOUT = 0.9
"""Seconds that Prometheus gives a scrape here."""


@dataclass(frozen=True)
class Scraped:
    """What a scrape of our own got. `status` is None when nothing came within Prometheus' patience."""

    status: int | None
    metrics: str
    seconds: float


class ScrapeFault(SetInService):
    """One that a part, or the prober, does to what it shows to the monitoring."""

    targets: ClassVar[tuple[str, ...]] = (*SERVICES, MAINTENANCE, PROBER)
    spares = JOURNEYS_OF["frontend"]  # all


def scrape(site: Site, part: Part) -> Scraped:
    """Ask a part for its metrics as Prometheus does. Raises Unreachable when it is down."""
    began = time.monotonic()
    try:
        answer = site.control(part, SCRAPE_TIMEOUT).ask("GET", "/metrics")
    except Silent:
        return Scraped(None, "", time.monotonic() - began)
    return Scraped(answer.status, answer.body.decode(), time.monotonic() - began)
