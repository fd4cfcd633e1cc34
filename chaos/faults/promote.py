"""promote: a planned switchover of the store. It happens once, and the roles stay swapped."""

from chaos.fault import Demonstration, Fault, Injection, Proof, register
from chaos.inventory import Part
from chaos.site import Site
from failwhale.failure import Failure

HANDOVER = 3.0
"""Seconds that a switchover may take before the old primary takes writes again."""


class Promote(Fault):
    name = "promote"
    help = "Ask Sentinel for a switchover to this replica of the store. Done once; the roles stay swapped."
    example = "failwhale chaos promote store:replica"
    targets = ("store",)
    demonstration = Demonstration("store:replica")
    lasting = False

    def precondition(self, site: Site, part: Part) -> None:
        if site.store_role(part) != "replica":
            raise Failure(
                f"{part.name} is not a replica now", "ask for: failwhale chaos promote store:replica"
            )

    def apply(self, site: Site, injection: Injection) -> None:
        if site.store_role(injection.part) != "primary":
            site.hold_writes(
                HANDOVER
            )  # the old primary would go on taking writes that the new one never gets
            site.ask_failover()

    def prove(self, site: Site, injection: Injection) -> Proof:
        role = site.store_role(injection.part)
        return Proof(role == "primary", f"{injection.part.name} says that it is {role or 'nothing'}")

    def revert(self, site: Site, injection: Injection) -> None:
        """The roles stay swapped; what is left to do is to end the reign of the old primary."""
        if site.store_role(injection.part) == "primary":
            site.demote_others(injection.part)

    def gone(self, site: Site, injection: Injection) -> Proof:
        roles = sorted(str(site.store_role(part)) for part in site.inventory.parts if part.service == "store")
        whole = roles.count("primary") == 1 and set(roles) <= {"primary", "replica"}
        return Proof(whole, f"the stores are: {', '.join(roles)}")


register(Promote())
