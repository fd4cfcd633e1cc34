"""starve: the part gets next to nothing of the processor. It answers, when it is its turn."""

from collections.abc import Mapping

from chaos.fault import (
    PARTS,
    SERVICES,
    Demonstration,
    Depth,
    Fault,
    Injection,
    Parameter,
    Proof,
    Value,
    register,
)
from chaos.faults.instance.process_fault import refuse_without_process
from foundation.failure import USAGE, Failure
from testbed.inventory import Part
from testbed.runtimes.capabilities import Capability
from testbed.site import Site

_LEAST = 0.01
"""Docker takes no smaller share."""
_CALLS_AT_A_TIME = 3


class Starve(Fault):
    name = "starve"
    help = "Leave the part only a small share of one processor core."
    example = "failwhale chaos starve auth:all --cpu 2% --for 30s"
    targets = tuple(part for part in PARTS if part in SERVICES or part == "store")
    parameters = (Parameter("cpu", "share", "Share of one core that it may still use.", default=0.05),)
    requires = frozenset({Capability.LIMITS})
    restored = "has its own again"
    lies = Depth.AROUND
    # To check a password is work, whoever asks; most other calls cost so little that even this leaves enough.
    demonstration = Demonstration("auth:all", {"cpu": 0.01}, hurts={"login": "down"})

    def refuse_misfit(self, site: Site, part: Part, parameters: Mapping[str, Value]) -> None:
        if float(str(parameters["cpu"])) < _LEAST:
            raise Failure("--cpu: at least 1%", "a part that gets nothing is: failwhale chaos pause", USAGE)

    def precondition(self, site: Site, part: Part) -> None:
        refuse_without_process(site, part, "there is nothing to starve")
        if site.limits.is_limited(part.name):
            raise Failure(f"{part.name} has other limits already", "give it its own: failwhale chaos heal")

    def apply(self, site: Site, injection: Injection) -> None:
        site.limits.limit(injection.part.name, cpus=float(str(injection.parameters["cpu"])))

    def verify(self, site: Site, injection: Injection) -> Proof:
        """Calls of our own give it something to do where no user passes."""
        part = injection.part
        if not site.limits.is_limited(part.name):
            return Proof(False, f"{part.name} has its own limits")
        before = site.limits.held_back(part.name)
        for _ in range(_CALLS_AT_A_TIME):
            site.answers(part)
        waited = site.limits.held_back(part.name) - before
        if waited <= 0:
            return Proof(None, f"{part.name} has less, but did not want more yet")
        return Proof(True, f"the kernel made {part.name} wait for its turn, {waited:.1g} s so far")

    def revert(self, site: Site, injection: Injection) -> None:
        site.limits.unlimit(injection.part.name)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        limited = site.limits.is_limited(injection.part.name)
        return Proof(not limited, f"{injection.part.name} has {'other' if limited else 'its own'} limits")

    def leftover(self, site: Site, part: Part) -> str:
        return "had other limits" if site.limits.is_limited(part.name) else ""

    def sweep(self, site: Site, part: Part) -> None:
        site.limits.unlimit(part.name)


register(Starve())
