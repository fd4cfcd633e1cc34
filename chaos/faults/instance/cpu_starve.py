"""cpu-starve: the part gets next to nothing of the processor. It answers, when it is its turn."""

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
from testbed.site import Site

_LEAST = 0.01
"""Docker takes no smaller share."""
_CALLS_AT_A_TIME = 3


class CpuStarve(Fault):
    name = "cpu-starve"
    help = (
        "Leave the part only a small share of one processor core. On Docker the kernel counts it out; a "
        "plain process is stopped and let go on by turns of a few milliseconds (SIGSTOP, SIGCONT)."
    )
    example = "failwhale chaos cpu-starve auth:all --cpu 2% --for 30s"
    targets = tuple(part for part in PARTS if part in SERVICES or part == "store")
    parameters = (
        Parameter("cpu", "share", "Share of one core that it may still use.", default=0.05, dial=(0.5, 0.01)),
    )
    restored = "has its own again"
    lies = Depth.AROUND
    # To check a password is work, whoever asks; most other calls cost so little that even this leaves enough.
    demonstration = Demonstration("auth:all", {"cpu": 0.01}, hurts={"login": "down"})

    def refuse_misfit(self, site: Site, part: Part, parameters: Mapping[str, Value]) -> None:
        if float(str(parameters["cpu"])) < _LEAST:
            raise Failure("--cpu: at least 1%", "a part that gets nothing is: failwhale chaos pause", USAGE)

    def precondition(self, site: Site, part: Part) -> None:
        refuse_without_process(site, part, "there is nothing to starve")
        if site.runtime.is_starved(part.name):
            raise Failure(f"{part.name} is starved already", "give it its own: failwhale chaos heal")
        if site.runtime.is_paused(part.name):
            raise Failure(f"{part.name} is paused: it gets nothing", "let it go on: failwhale chaos heal")

    def apply(self, site: Site, injection: Injection) -> None:
        share = float(str(injection.parameters["cpu"]))
        site.runtime.starve(injection.lease, injection.part.name, share, injection.seconds)

    def verify(self, site: Site, injection: Injection) -> Proof:
        """Calls of our own give it something to do where no user passes."""
        part = injection.part
        if not site.runtime.is_starved(part.name):
            return Proof(False, f"{part.name} has all of the processor")

        def ask() -> None:
            for _ in range(_CALLS_AT_A_TIME):
                site.answers(part)

        waited = site.runtime.held_back(part.name, ask)
        if waited <= 0:
            return Proof(None, f"{part.name} has less, but did not want more yet")
        return Proof(True, f"the kernel held {part.name} back for {waited:.1g} s while it was asked")

    def revert(self, site: Site, injection: Injection) -> None:
        site.runtime.feed(injection.part.name)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        starved = site.runtime.is_starved(injection.part.name)
        return Proof(not starved, f"{injection.part.name} {'is starved' if starved else 'has its own'}")

    def leftover(self, site: Site, part: Part) -> str:
        return "was starved" if site.runtime.is_starved(part.name) else ""

    def sweep(self, site: Site, part: Part) -> None:
        site.runtime.feed(part.name)


register(CpuStarve())
