"""config-denies-clients: the plan of the site's own clients includes nothing. They are refused with 403."""

from collections.abc import Mapping
from typing import Any

from chaos.fault import Demonstration, Injection, register
from chaos.faults.configuration.forced_document import ForcedDocument
from chaos.journeys import JOURNEYS_OF
from chaos.target import SITE
from testbed.inventory import Part
from testbed.site import Site


class ConfigDeniesClients(ForcedDocument):
    name = "config-denies-clients"
    help = (
        "Change one key of the configuration, so that the plan of the site's own clients (its page, its app) "
        "includes no access: every call to the API gets 403. The page itself and its connection are well."
    )
    example = "failwhale chaos config-denies-clients site --for 20s"
    service = "frontend"
    journeys = tuple(
        journey
        for journey in JOURNEYS_OF["frontend"]
        if journey != "page" and not journey.startswith("handshake-")
    )
    demonstration = Demonstration(SITE, hurts={"post": "down", "home-timeline": "down", "login": "down"})

    def values(self, injection: Injection) -> Mapping[str, Any]:
        return {"plans.own.access": "none"}

    def harm(self, site: Site, part: Part) -> str:
        asked = site.entrance(part, 1.0).ask("GET", "/api/v1/posts/0", headers={"failwhale-client": "page"})
        return f"403 {asked.problem} for the site's own page" if asked.status == 403 else ""


register(ConfigDeniesClients())
