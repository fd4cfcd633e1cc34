"""never-ready: the service says that it is not ready, although it serves."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Injection, Proof, Value, register
from chaos.faults.instance.start_fault import StartFault
from chaos.target import Target
from testbed.site import Site


class NeverReady(StartFault):
    name = "never-ready"
    help = (
        "Have the service's readiness check say no, although it serves. Callers do not ask it, so users feel "
        "nothing; status and Docker call the part ill, and a roll-out waits for it in vain."
    )
    example = "failwhale chaos never-ready post@east --for 30s"
    demonstration = Demonstration("post@east")

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        return ()

    def seen(self, site: Site, injection: Injection) -> Proof:
        part = injection.part
        if site.ready(part):
            return Proof(False, f"{part.name} says that it is ready")
        answers = site.answers(part)
        return Proof(answers or None, f"{part.name} {'serves' if answers else 'is silent'}, and is not ready")


register(NeverReady())
