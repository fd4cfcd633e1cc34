"""starve: the part gets next to nothing of the processor. It answers, when it is its turn."""

from collections.abc import Mapping

from chaos.fault import PARTS, SERVICES, Demonstration, Fault, Injection, Parameter, Proof, Value, register
from foundation.failure import USAGE, Failure
from testbed.inventory import Part
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
    runtimes = ("docker",)
    needs = "limits that can be changed while a part runs"
    # To check a password is work, whoever asks; most other calls cost so little that even this leaves enough.
    demonstration = Demonstration("auth:all", {"cpu": 0.01}, hurts={"login": "down"})

    def refuse_misfit(self, site: Site, part: Part, parameters: Mapping[str, Value]) -> None:
        if float(str(parameters["cpu"])) < _LEAST:
            raise Failure("--cpu: at least 1%", "a part that gets nothing is: failwhale chaos pause", USAGE)

    def precondition(self, site: Site, part: Part) -> None:
        if not site.runtime.is_running(part.name):
            raise Failure(f"{part.name} is not running: there is nothing to starve", "see: failwhale status")
        if site.runtime.is_limited(part.name):
            raise Failure(f"{part.name} has other limits already", "give it its own: failwhale chaos heal")

    def apply(self, site: Site, injection: Injection) -> None:
        site.runtime.limit(injection.part.name, cpus=float(str(injection.parameters["cpu"])))

    def prove(self, site: Site, injection: Injection) -> Proof:
        """Calls of our own give it something to do where no user passes."""
        part = injection.part
        if not site.runtime.is_limited(part.name):
            return Proof(False, f"{part.name} has its own limits")
        before = site.runtime.held_back(part.name)
        for _ in range(_CALLS_AT_A_TIME):
            site.answers(part)
        waited = site.runtime.held_back(part.name) - before
        if waited <= 0:
            return Proof(None, f"{part.name} has less, but did not want more yet")
        return Proof(True, f"the kernel made {part.name} wait for its turn, {waited:.1g} s so far")

    def revert(self, site: Site, injection: Injection) -> None:
        site.runtime.unlimit(injection.part.name)

    def gone(self, site: Site, injection: Injection) -> Proof:
        limited = site.runtime.is_limited(injection.part.name)
        return Proof(not limited, f"{injection.part.name} has {'other' if limited else 'its own'} limits")


register(Starve())
