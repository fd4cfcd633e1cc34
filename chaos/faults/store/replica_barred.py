"""replica-barred: the replica may not be promoted. Nobody is hurt, until the primary dies."""

from collections.abc import Mapping

from chaos.fault import Injection, Proof, Value, register
from chaos.faults.store.replica_fault import ReplicaFault
from chaos.target import Target
from foundation.failure import Failure
from testbed.inventory import Part
from testbed.site import Site


class ReplicaBarred(ReplicaFault):
    name = "replica-barred"
    help = (
        "Bar a replica of the store from promotion (replica-priority 0). Nobody is hurt until the primary "
        "dies; then nobody is promoted until the fault ends."
    )
    example = "failwhale chaos replica-barred store:replica --for 30s"

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        """Nobody, by itself. What hurts later is the loss of the primary."""
        return ()

    def precondition(self, site: Site, part: Part) -> None:
        super().precondition(site, part)
        if site.is_barred(part):
            raise Failure(f"{part.name} is barred already", "lift it: failwhale chaos heal")

    def apply(self, site: Site, injection: Injection) -> None:
        site.bar(injection.part)

    def verify(self, site: Site, injection: Injection) -> Proof:
        """It counts what the sentinels know, and they ask about once a second."""
        name = injection.part.name
        if not site.is_barred(injection.part):
            return Proof(False, f"{name} is not barred")
        unaware = [sentinel for sentinel, barred in site.barred_by(injection.part).items() if not barred]
        if unaware:
            return Proof(False, f"{', '.join(unaware)} would promote {name}")
        return Proof(True, f"no sentinel would promote {name}")

    def revert(self, site: Site, injection: Injection) -> None:
        site.unbar(injection.part)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        name = injection.part.name
        if site.is_barred(injection.part):
            return Proof(False, f"{name} is still barred")
        unaware = [sentinel for sentinel, barred in site.barred_by(injection.part).items() if barred]
        return Proof(
            not unaware,
            f"{', '.join(unaware)} takes {name} for barred" if unaware else f"{name} may be promoted",
        )

    def leftover(self, site: Site, part: Part) -> str:
        return "was barred from promotion" if site.is_barred(part) else ""

    def sweep(self, site: Site, part: Part) -> None:
        site.unbar(part)


register(ReplicaBarred())
