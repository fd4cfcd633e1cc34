"""pathological-input: one rule that looks cheap burns a core for each post that is searched for it."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

from chaos.fault import Demonstration, Injection, register
from chaos.faults.configuration.forced_document import ForcedDocument
from chaos.journeys import JOURNEYS_OF
from chaos.target import SITE
from services.platform.configuration.schema import BLOCKED_PATTERNS
from testbed.control import Silent
from testbed.inventory import Part
from testbed.site import Site

PRICE = r"^(?:\S|\s|.){23}\s?\$"
"""A price at the end of the first 23 characters. Each of them can be read in two ways, and all ways are tried
where there is none: eight million, about a second of a core, for every longer text."""

PROOF = "proof that one rule burns a core: "
"""Texts of our own begin with it. It is blocked, so that none of them is ever posted."""

PATIENCE = 2.0
AT_LEAST = 0.15
"""Seconds that a search takes at least where the pattern is in force; without it, some microseconds."""


class PathologicalInput(ForcedDocument):
    name = "pathological-input"
    help = (
        "Block texts with a pattern that takes exponential time to find nothing. It is a valid one, and each "
        "post of more than 23 characters costs about a second of a core, in which the post "
        "service does nothing else."
    )
    example = "failwhale chaos pathological-input site --for 20s"
    service = "post"
    journeys = JOURNEYS_OF["post"]
    demonstration = Demonstration(SITE, hurts={"post": "down"})

    def values(self, injection: Injection) -> Mapping[str, Any]:
        return {BLOCKED_PATTERNS: [PRICE, f"^{PROOF}"]}

    def harm(self, site: Site, part: Part) -> str:
        """Who knows no user of this name refuses the text, or has posted it: that is a fault of the proof."""
        user = {"failwhale-user": str(secrets.randbelow(2**40) + 1), "failwhale-name": "probe"}
        began = time.monotonic()
        try:
            body = {"text": f"{PROOF}{secrets.token_hex(8)}"}
            answer = site.entrance(part, PATIENCE).ask("POST", "/api/v1/posts", body, user)
        except Silent:
            return f"a post is not read within {PATIENCE:g} s"
        seconds = time.monotonic() - began
        if answer.problem == "text-blocked" and seconds > AT_LEAST:
            return f"a post takes {seconds:.1f} s to be searched"
        return ""


register(PathologicalInput())
