"""config-path-broken: the parts may not read the configuration any more. Changes do not reach them."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Fault, Injection, Proof, Value, register
from chaos.target import SITE, Target
from foundation.failure import Failure
from testbed.inventory import Part
from testbed.site import Site

UNREAD_SECONDS = 1.0
"""After which a part that reads twice a second does not read any more."""


class ConfigPathBroken(Fault):
    name = "config-path-broken"
    help = (
        "Take from the services the right to read the configuration in the store. They go on with what they "
        "have, and nobody is hurt; a change, and a roll-back, is written and reaches nobody, unless it is "
        "handed to the parts: failwhale config roll-back --direct."
    )
    example = "failwhale chaos config-path-broken site --for 30s"
    targets = (SITE,)
    restored = "lets the configuration be read again"
    demonstration = Demonstration(SITE)

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        """Nobody, by itself."""
        return ()

    def precondition(self, site: Site, part: Part) -> None:
        if part.kind == "store" and site.store_role(part) is None:
            raise Failure(f"{part.name} does not answer: it cannot be told", "see: failwhale status")

    def apply(self, site: Site, injection: Injection) -> None:
        for part in _stores(injection):
            site.withhold_configuration(part)

    def verify(self, site: Site, injection: Injection) -> Proof:
        """By when each part that answers has read it for the last time."""
        held = {name: one for name, one in site.configuration.held().items() if one is not None}
        if not all(site.withholds_configuration(part) for part in _stores(injection)):
            return Proof(False, "a store lets the configuration be read")
        if not held:
            return Proof(None, "no service answers")
        reading = [
            name
            for name, one in held.items()
            if one.unread_seconds is not None and one.unread_seconds < UNREAD_SECONDS
        ]
        if reading:
            return Proof(False, f"{', '.join(reading)} has read the configuration a moment ago")
        return Proof(
            True, f"none of {len(held)} services has read the configuration for {UNREAD_SECONDS:g} s"
        )

    def revert(self, site: Site, injection: Injection) -> None:
        for part in _stores(injection):
            site.yield_configuration(part)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        withholding = [part.name for part in _stores(injection) if site.withholds_configuration(part)]
        if withholding:
            return Proof(False, f"{', '.join(withholding)} lets nobody read the configuration")
        return Proof(True, "the stores let the configuration be read")

    def leftover(self, site: Site, part: Part) -> str:
        return "let nobody read the configuration" if site.withholds_configuration(part) else ""

    def sweep(self, site: Site, part: Part) -> None:
        site.yield_configuration(part)


def _stores(injection: Injection) -> list[Part]:
    return [part for part in injection.target.parts if part.kind == "store"]


register(ConfigPathBroken())
