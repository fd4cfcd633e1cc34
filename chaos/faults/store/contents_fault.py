"""What faults on the contents of the store share: contents move with the role, so whoever is the primary is
mended."""

from __future__ import annotations

from chaos.fault import Injection, Proof
from chaos.faults.store.primary_fault import PrimaryFault
from foundation.failure import Failure
from testbed.inventory import Part
from testbed.site import Site


class ContentsFault(PrimaryFault):
    """A fault on what the store has, for as long as the store keeps what it had."""

    restored = "has it again"

    def precondition(self, site: Site, part: Part) -> None:
        super().precondition(site, part)
        if found := self.leftover(site, part):
            raise Failure(f"{part.name} {found}", "mend it: failwhale chaos heal")

    def revert(self, site: Site, injection: Injection) -> None:
        self.sweep(site, primary_of(site))

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        primary = primary_of(site)
        found = self.leftover(site, primary)
        return Proof(not found, f"{primary.name} {found or self.restored}")


def primary_of(site: Site) -> Part:
    """The primary now; of two that believe to be one the one that the sentinels name. Raises Failure when
    there is none."""
    primaries = [part for part in site.stores if site.store_role(part) == "primary"]
    primary = site.agreed_primary() if len(primaries) > 1 else next(iter(primaries), None)
    if primary is None:
        raise Failure("there is no primary", "see: failwhale status")
    return primary


def is_primary(site: Site, part: Part) -> bool:
    """Whether contents can be mended there: a replica has the same, and follows."""
    return part.kind == "store" and site.store_role(part) == "primary"
