"""second-factor-off: it is switched off as an unneeded service. Who has one cannot log in any more."""

from collections.abc import Mapping
from typing import Any

from chaos.fault import Demonstration, Injection, register
from chaos.faults.configuration.forced_document import ForcedDocument
from chaos.target import SITE
from services.platform.configuration.schema import SECOND_FACTOR
from testbed.inventory import Part
from testbed.site import Site


class SecondFactorOff(ForcedDocument):
    name = "second-factor-off"
    help = (
        "Switch the flag of the second factor off. Codes are not checked any more, so that whoever has a "
        "second factor cannot log in; who is logged in notices nothing."
    )
    example = "failwhale chaos second-factor-off site --for 20s"
    precedent = "Twitter, November 2022"
    service = "auth"
    journeys = ("login-second-factor",)
    demonstration = Demonstration(SITE, hurts={"login-second-factor": "down"})

    def values(self, injection: Injection) -> Mapping[str, Any]:
        return {SECOND_FACTOR: False}

    def harm(self, site: Site, part: Part) -> str:
        """Of a login that nobody began."""
        body = {"challenge": "none", "code": "000000"}
        asked = site.entrance(part, 1.0).ask("POST", "/api/v1/sessions/second-factor", body)
        return "503, codes are not checked" if asked.problem == "codes-not-checked" else ""


register(SecondFactorOff())
