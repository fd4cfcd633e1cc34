"""split-brain: two primaries, and users of both."""

from collections.abc import Mapping, Sequence

from chaos.fault import SERVICES, Demonstration, Injection, Proof, Value, register
from chaos.faults.calls.injection_point import SetInService
from chaos.faults.store.replica_fault import ReplicaFault
from chaos.journeys import journeys_through
from chaos.target import Target
from testbed.inventory import Part
from testbed.site import Site


class SplitBrain(SetInService, ReplicaFault):
    name = "split-brain"
    help = (
        "Both stores take writes: the replica becomes a primary too, for the services of its place. They are "
        "led to it, whomever the sentinels name, as by a wrong route; the others keep the real one, and "
        "nothing is replicated. So what is posted in one place is not there in the other. Sentinel and "
        "maintenance may not correct it. At the end the replica follows again, and what it alone was given "
        "is lost, though it was acknowledged."
    )
    example = "failwhale chaos split-brain store:replica --for 10s"
    restored = "follows again"
    demonstration = Demonstration("store:replica", hurts={"read-back": "down"})
    precedent = "GitHub, 21 October 2018: for 43 seconds apart, and both coasts had taken writes."

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        return journeys_through("store", None)

    def precondition(self, site: Site, part: Part) -> None:
        ReplicaFault.precondition(self, site, part)

    def holders(self, site: Site, part: Part) -> Sequence[Part]:
        return [one for one in site.inventory.parts if one.service in SERVICES and one.place == part.place]

    def wish(self, injection: Injection) -> dict[str, object]:
        host, port = injection.part.address()
        return {**super().wish(injection), "leads_to": f"{host}:{port}"}

    def apply(self, site: Site, injection: Injection) -> None:
        site.split_off(injection.part)
        super().apply(site, injection)

    def verify(self, site: Site, injection: Injection) -> Proof:
        taking = [part.name for part in site.stores if site.takes_writes(part)]
        if len(taking) < 2:
            return Proof(False, f"{' and '.join(taking) or 'nobody'} takes a write")
        led = len(self._told(site, injection) or ())
        names = " and ".join(taking)
        return Proof(led > 0, f"{names} each do a write of our own; {led} services are led to the second one")

    def revert(self, site: Site, injection: Injection) -> None:
        super().revert(site, injection)
        site.rejoin(injection.part)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        """By then it may have been promoted in good order."""
        part = injection.part
        if site.is_split_off(part) or list(site.store_roles().values()).count("primary") > 1:
            return Proof(False, f"{part.name} is a primary beside the other one")
        return super().verify_reverted(site, injection)

    def leftover(self, site: Site, part: Part) -> str:
        return "was a primary of its own" if site.is_split_off(part) else ""

    def sweep(self, site: Site, part: Part) -> None:
        site.rejoin(part)


register(SplitBrain())
