"""partition: the part works, and nobody outside its own data centre reaches it, nor it them."""

from chaos.fault import MAINTENANCE, SERVICES, Demonstration, Depth, Fault, Injection, Proof, register
from chaos.faults.instance.process_fault import refuse_without_process
from foundation.failure import Failure
from testbed.inventory import Part
from testbed.runtimes.capabilities import Capability
from testbed.site import Site


class Partition(Fault):
    name = "partition"
    help = "Cut a part off from every network but its own data centre's; place:east takes a whole one away."
    precedent = "GitHub, 21 October 2018: cut for 43 seconds, a day to mend what both sides wrote."
    example = "failwhale chaos partition place:east --for 20s"
    targets = (*SERVICES, MAINTENANCE, "store", "sentinel", "link")
    requires = frozenset({Capability.NETWORKS})
    restored = "is back on its networks"
    lies = Depth.AROUND
    demonstration = Demonstration("place:east", hurts={"handshake-east": "down"})

    def precondition(self, site: Site, part: Part) -> None:
        refuse_without_process(site, part, "there is nothing to cut off")
        if site.networks.is_cut(part.name):
            raise Failure(f"{part.name} is cut off already", "put it back: failwhale chaos heal")

    def apply(self, site: Site, injection: Injection) -> None:
        site.networks.cut(injection.part.name, keep=_kept(injection.part))

    def verify(self, site: Site, injection: Injection) -> Proof:
        """The controller stands on all that lies between the data centres, so it sees what others see."""
        part = injection.part
        if not site.networks.is_cut(part.name):
            return Proof(False, f"{part.name} is on all its networks")
        if site.accepts_connections(part):
            return Proof(False, f"{part.name} is still reached from outside")
        return Proof(True, f"{part.name} is off its networks and not reached from outside")

    def revert(self, site: Site, injection: Injection) -> None:
        site.networks.join(injection.part.name)
        site.welcome_back(injection.part)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        name = injection.part.name
        cut = site.networks.is_cut(name)
        return Proof(not cut, f"{name} is {'still off a network' if cut else 'on all its networks'}")

    def leftover(self, site: Site, part: Part) -> str:
        return "was cut off" if site.networks.is_cut(part.name) else ""

    def sweep(self, site: Site, part: Part) -> None:
        site.networks.join(part.name)


def _kept(part: Part) -> tuple[str, ...]:
    """The network of its own data centre. Not for a front end: Docker publishes its port by way of any
    network that is left, and users would go on as if nothing had happened."""
    return () if part.place is None or part.service == "frontend" else (part.place,)


register(Partition())
