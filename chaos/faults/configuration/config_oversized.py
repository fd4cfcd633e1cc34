"""config-oversized: a generated list is longer than there is room for. Who reads it ends, and again."""

from collections.abc import Mapping
from typing import Any

from chaos.fault import Demonstration, Injection, Proof, register
from chaos.faults.configuration.forced_document import ForcedDocument
from chaos.journeys import JOURNEYS_OF
from chaos.target import SITE
from services.platform.configuration.schema import BLOCKED_PATTERNS, MOST_PATTERNS
from testbed.inventory import Part
from testbed.site import Site


class ConfigOversized(ForcedDocument):
    name = "config-oversized"
    help = (
        "Force a generated list of blocked patterns that is longer than the post service has room for. Each "
        "post ends when it reads it, is started again, and reads it again."
    )
    example = "failwhale chaos config-oversized site --for 20s"
    service = "post"
    journeys = JOURNEYS_OF["post"]
    demonstration = Demonstration(SITE, hurts={"post": "down", "read-back": "down"})

    def values(self, injection: Injection) -> Mapping[str, Any]:
        return {BLOCKED_PATTERNS: [f"spam-{number:04}" for number in range(MOST_PATTERNS + 1)]}

    def harm(self, site: Site, part: Part) -> str:
        """Whoever answers has not read it."""
        site.control(part, 1.0).ask("GET", "/-/health")
        return ""

    def verify(self, site: Site, injection: Injection) -> Proof:
        if not site.configuration.is_forced(injection.id):
            return Proof(False, "the list is not in the configuration")
        alive = [part.name for part in self._parts(injection) if site.accepts_connections(part)]
        if alive:
            return Proof(False, f"{', '.join(alive)} accepts connections")
        names = ", ".join(part.name for part in self._parts(injection))
        return Proof(
            True, f"{names}: nobody listens there, each ends when it reads {MOST_PATTERNS + 1} patterns"
        )

    def revert(self, site: Site, injection: Injection) -> None:
        super().revert(site, injection)
        for part in self._parts(injection):
            if not site.runtime.is_running(part.name):  # between two deaths, which may be far apart by now
                site.runtime.start(part.name)


register(ConfigOversized())
