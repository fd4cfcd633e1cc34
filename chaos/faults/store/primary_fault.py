"""What faults on the primary of the store share: it must be one, and who writes is hurt."""

from __future__ import annotations

from collections.abc import Mapping

from chaos.fault import Demonstration, Fault, Value
from chaos.journeys import WRITES
from chaos.target import Target
from foundation.failure import USAGE, Failure
from testbed.inventory import Part
from testbed.site import Site


class PrimaryFault(Fault):
    """A fault on the store that is the primary now."""

    targets = ("store",)
    demonstration = Demonstration("store:primary", hurts={"post": "down", "retweet": "down"})

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        return WRITES

    def precondition(self, site: Site, part: Part) -> None:
        if site.store_role(part) != "primary":
            raise Failure(f"{part.name} is not the primary now", f"ask for: {self.example}", USAGE)
