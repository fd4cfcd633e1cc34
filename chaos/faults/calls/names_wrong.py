"""names-wrong: every name leads a part to somebody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from chaos.fault import Demonstration, Injection, Value, register
from chaos.faults.calls.road_fault import RoadFault
from testbed.site import Site

if TYPE_CHECKING:
    from services.platform.calls import Reached


_SOMEBODY_ELSE = "prober"
"""Nobody of the site calls it, and it has a certificate of its own."""


class NamesWrong(RoadFault):
    name = "names-wrong"
    help = (
        "Let every name lead a part to somebody else, the prober. A service that is called is known by its "
        "certificate, so calls are refused for a wrong name; with the store the part finds nobody who speaks "
        "Redis. Open connections are let go."
    )
    precedent = "Azure, 2 May 2019: names of its own services were delegated wrongly, for two hours."
    example = "failwhale chaos names-wrong frontend@west --for 20s"
    demonstration = Demonstration("frontend:all", hurts={"retweet": "down", "home-timeline": "down"})

    def apply(self, site: Site, injection: Injection) -> None:
        host, port = site.inventory.part(_SOMEBODY_ELSE).address()
        self.put(site, injection, {**self.wish(injection), "leads_to": f"{host}:{port}"})

    def harm(self, reached: Reached, parameters: Mapping[str, Value]) -> str:
        return reached.error


register(NamesWrong())
