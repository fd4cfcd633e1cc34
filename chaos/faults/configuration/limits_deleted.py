"""limits-deleted: the numbers of all limits are gone. Everybody is over the limit, whatever they ask for."""

from collections.abc import Mapping
from typing import Any

from chaos.fault import Demonstration, Injection, register
from chaos.faults.configuration.forced_document import ForcedDocument
from chaos.journeys import JOURNEYS_OF
from chaos.target import SITE
from services.platform.configuration.schema import LIMITS
from testbed.inventory import Part
from testbed.site import Site


class LimitsDeleted(ForcedDocument):
    name = "limits-deleted"
    help = (
        "Delete the data of all limits from the configuration. Where nobody knows how much somebody may ask "
        "for, it is nothing: everybody gets 429, from the first request on, and there is no more traffic."
    )
    example = "failwhale chaos limits-deleted site --for 20s"
    service = "frontend"
    journeys = tuple(one for one in JOURNEYS_OF["frontend"] if not one.startswith("handshake-"))
    demonstration = Demonstration(SITE, hurts={"page": "down", "login": "down", "post": "down"})

    def values(self, injection: Injection) -> Mapping[str, Any]:
        return dict.fromkeys(LIMITS)

    def harm(self, site: Site, part: Part) -> str:
        asked = site.entrance(part, 1.0).ask("GET", "/")
        return f"429 {asked.problem} for the first request" if asked.status == 429 else ""


register(LimitsDeleted())
