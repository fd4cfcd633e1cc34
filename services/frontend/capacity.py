"""How much a front end takes on, and who goes first when it is too little: what matters more to users.

Two things run short: the requests per second for which the edge is provisioned, and the places of those at
work. Of both a share is kept for what is more critical, as in "Handling Overload" (Site Reliability
Engineering, O'Reilly 2016): reads find room when sign-ups do not any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.frontend.routes import Criticality, EdgeRoute
from services.platform.configuration.document import Document
from services.platform.configuration.schema import MOST_REQUESTS, capacity_of
from services.platform.intake import overloaded
from services.platform.rate_limit import limit_of
from services.platform.site import Site

KEPT_FREE: Final[Mapping[Criticality, float]] = {"high": 0.0, "normal": 0.2, "low": 0.5}
"""The share that must be left for who is let in."""


class Capacity:
    """What one edge is provisioned for, as the configuration says; it is held while `shedding` is on."""

    def __init__(self, site: Site) -> None:
        self._key = capacity_of(site.settings.place or "")
        self._protections = site.protections
        self._metrics = site.metrics
        self._rate = limit_of(1.0, 1)
        self.apply(Document(0))

    def apply(self, document: Document) -> None:
        """Go by this configuration: a second's requests may come at once. Raises TypeError, ValueError for
        what is no number of requests."""
        rate = document.values.get(self._key, MOST_REQUESTS)
        self._rate = limit_of(rate, max(1, round(rate)), self._rate)

    def admit(self, route: EdgeRoute, crowded: float) -> None:
        """Let a request in, or raise the Problem 503 that refuses it. `crowded` is the share of the places at
        work that are taken."""
        if not self._protections.enabled("shedding"):
            return
        kept = KEPT_FREE[route.criticality]
        if crowded > 1 - kept or self._rate.take("", kept_free=kept):
            self._metrics.refused_shed.inc()
            raise overloaded()
