"""pause: the process is frozen. It keeps its connections and answers nobody: that hurts more than a death."""

from chaos.fault import Demonstration, Injection, Proof, register
from chaos.faults.instance.process_fault import ProcessFault
from foundation.failure import Failure
from testbed.inventory import Part
from testbed.site import Site


class Pause(ProcessFault):
    name = "pause"
    help = "Freeze the process (SIGSTOP): it keeps its connections and answers nobody."
    example = "failwhale chaos pause store:primary --for 5s"
    undo = "resume"
    restored = "goes on"
    demonstration = Demonstration("retweet:all", hurts={"retweet": "down"})

    def precondition(self, site: Site, part: Part) -> None:
        super().precondition(site, part)
        if site.runtime.is_paused(part.name):
            raise Failure(f"{part.name} is paused already", "let it go on: failwhale chaos heal")
        if site.runtime.is_starved(part.name):
            raise Failure(f"{part.name} is starved: it runs by turns", "end that: failwhale chaos heal")

    def apply(self, site: Site, injection: Injection) -> None:
        site.runtime.pause(injection.part.name)

    def verify(self, site: Site, injection: Injection) -> Proof:
        part = injection.part
        if not site.runtime.is_paused(part.name):
            return Proof(False, f"{part.name} is not stopped")
        if site.answers(part):
            return Proof(False, f"{part.name} still answers")
        return Proof(True, f"{part.name} is stopped and does not answer")

    def revert(self, site: Site, injection: Injection) -> None:
        if site.runtime.is_running(injection.part.name):
            site.runtime.resume(injection.part.name)
            site.welcome_back(injection.part)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        paused = site.runtime.is_paused(injection.part.name)
        return Proof(not paused, f"{injection.part.name} {'is still stopped' if paused else 'goes on'}")

    def leftover(self, site: Site, part: Part) -> str:
        return "was paused" if site.runtime.is_paused(part.name) else ""

    def sweep(self, site: Site, part: Part) -> None:
        site.runtime.resume(part.name)


register(Pause())
