"""promote: a planned switchover of the store. It happens once, and the roles stay swapped."""

from chaos.fault import Injection, Proof, register
from chaos.faults.store.replica_fault import ReplicaFault
from foundation.failure import Failure
from testbed.inventory import Part
from testbed.site import Site


class Promote(ReplicaFault):
    name = "promote"
    help = "Ask Sentinel for a switchover to this replica of the store. Done once; the roles stay swapped."
    example = "failwhale chaos promote store:replica"
    lasting = False

    def precondition(self, site: Site, part: Part) -> None:
        super().precondition(site, part)
        if why := site.failover_hindrance():
            raise Failure(f"Sentinel would not promote it: {why}", "see: failwhale status")

    def apply(self, site: Site, injection: Injection) -> None:
        if site.store_role(injection.part) != "primary":
            site.begin_switchover()

    def verify(self, site: Site, injection: Injection) -> Proof:
        """It is the primary once the services are led to it: that is up to a second after it has the role."""
        name, role = injection.part.name, site.store_role(injection.part)
        if role != "primary":
            return Proof(False, f"{name} says that it is {role or 'nothing'}")
        if site.agreed_primary() != injection.part:
            return Proof(False, f"{name} says that it is primary, but not every sentinel names it")
        return Proof(True, f"{name} says that it is primary, and every sentinel names it")

    def revert(self, site: Site, injection: Injection) -> None:
        """The roles stay swapped; what is left to do is to demote the old primary."""
        site.settle_switchover(injection.part)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        """Whether nothing of a switchover is under way. A store that another fault keeps down has no role."""
        roles = site.store_roles()
        said = ", ".join(sorted(roles.values())) or "silent"
        agreed = site.agreed_primary()
        if agreed is None:
            return Proof(False, f"the stores are: {said}; the sentinels do not agree on one yet")
        whole = list(roles.values()).count("primary") <= 1 and roles.get(agreed.name, "primary") == "primary"
        return Proof(whole, f"the stores are: {said}; every sentinel names {agreed.name}")


register(Promote())
