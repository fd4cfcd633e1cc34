"""wrong-address: the configuration names an address of a service at which nobody listens."""

from collections.abc import Mapping
from typing import Any

from chaos.fault import Demonstration, Injection, register
from chaos.faults.configuration.forced_document import ForcedDocument
from chaos.target import SITE
from testbed.inventory import Part
from testbed.site import Site

_NOBODY_LISTENS = "127.0.0.1:1"
_ADDRESSES = ("addresses.retweet.east", "addresses.retweet.west")


class WrongAddress(ForcedDocument):
    name = "wrong-address"
    help = (
        "Name a wrong port in the configuration, for every replica of retweet. Front ends are refused there "
        "at once; the replicas are well, and nobody asks them."
    )
    precedent = "Twitter, 24 December 2022: 70,000 references to a data centre that was gone."
    example = "failwhale chaos wrong-address site --for 20s"
    service = "frontend"
    journeys = ("retweet",)
    demonstration = Demonstration(SITE, hurts={"retweet": "down"})

    def values(self, injection: Injection) -> Mapping[str, Any]:
        return dict.fromkeys(_ADDRESSES, _NOBODY_LISTENS)

    def harm(self, site: Site, part: Part) -> str:
        headers = site.signed_in(part, 1)
        asked = site.entrance(part, 1.0).ask("GET", "/api/v1/posts/0/retweets", headers=headers)
        return "503, retweet cannot be reached" if asked.problem == "service-unreachable" else ""


register(WrongAddress())
