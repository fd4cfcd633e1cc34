"""prober-blind: the monitoring is told that every attempt went well, whatever users feel."""

import re
import time

from chaos.fault import Demonstration, Injection, Proof, register
from chaos.faults.instruments.scrape_fault import PROBER, ScrapeFault, scrape
from testbed.inventory import Part
from testbed.site import Site

_TRIES_WITHIN = 1.0
"""Seconds in which the prober makes some dozens of attempts."""


class ProberBlind(ScrapeFault):
    name = "prober-blind"
    help = (
        "Have the prober's metrics say of every attempt that it went well, without a look at it. No alert on "
        "journeys fires, whatever users feel; the ledger, by which the monitoring is scored, goes on."
    )
    example = "failwhale chaos prober-blind prober --for 30s"
    targets = (PROBER,)
    demonstration = Demonstration(PROBER)
    precedent = "AWS, February 2017: the status page was green all through the outage of S3"

    def verify(self, site: Site, injection: Injection) -> Proof:
        """What is told without a look takes no time: nobody's attempt does."""
        before, seconds_before = _told(site, injection.part)
        until = time.monotonic() + _TRIES_WITHIN
        while True:
            attempts, seconds = _told(site, injection.part)
            if attempts > before or time.monotonic() > until:
                break
            time.sleep(0.05)
        if attempts == before:
            return Proof(None, "the prober's metrics tell of no attempts")
        blind = seconds == seconds_before
        how = "no time at all" if blind else f"{seconds - seconds_before:.2g} s"
        return Proof(blind, f"{attempts - before:g} attempts in the prober's metrics took {how}")


def _told(site: Site, part: Part) -> tuple[float, float]:
    """Attempts, and the seconds that they took, of all journeys since the prober began."""
    metrics = scrape(site, part).metrics
    return _sum("journey_duration_seconds_count", metrics), _sum("journey_duration_seconds_sum", metrics)


def _sum(name: str, metrics: str) -> float:
    return sum(map(float, re.findall(rf"^{name}{{[^}}]*}} (\S+)$", metrics, re.MULTILINE)))


register(ProberBlind())
