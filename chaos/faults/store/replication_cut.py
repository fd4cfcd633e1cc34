"""replication-cut: the replica silently stops following. Its link is up, and it is ready by every check."""

from chaos.fault import Injection, Proof, register
from chaos.faults.store.held_store import HeldStore
from chaos.faults.store.replica_fault import ReplicaFault
from foundation.failure import Failure
from testbed.inventory import Part
from testbed.site import Site


class ReplicationCut(HeldStore, ReplicaFault):
    name = "replication-cut"
    help = (
        "What is read from a replica of the store grows stale, and nothing says so. If the primary dies "
        "meanwhile, what was written since is lost, and nobody can write until the fault ends. The replica "
        "stops following in silence: its link stays up, and what it is sent is not done (CLIENT PAUSE WRITE, "
        "through which Sentinel may not publish)."
    )
    precedent = (
        "GitLab, 31 January 2017: the standby had stopped following before the primary's data was deleted."
    )
    example = "failwhale chaos replication-cut store:replica --for 30s"

    def precondition(self, site: Site, part: Part) -> None:
        super().precondition(site, part)
        if site.is_held(part):
            raise Failure(f"{part.name} follows no more already", "let it: failwhale chaos heal")

    def apply(self, site: Site, injection: Injection) -> None:
        """It ends by itself, by the clock of the store."""
        site.hold(injection.part, injection.seconds)

    def verify(self, site: Site, injection: Injection) -> Proof:
        name = injection.part.name
        if not site.lags(injection.part):
            return Proof(False, f"{name} follows, or nothing was written")
        link = "up" if site.ready(injection.part) else "down"
        return Proof(True, f"{name} stands still while the primary writes; its link is {link}")

    def revert(self, site: Site, injection: Injection) -> None:
        site.let_go(injection.part)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        name = injection.part.name
        if site.is_held(injection.part):
            return Proof(False, f"{name} is kept from following")
        lags = site.lags(injection.part)
        return Proof(not lags, f"{name} {'is still behind' if lags else 'has what the primary wrote'}")


register(ReplicationCut())
