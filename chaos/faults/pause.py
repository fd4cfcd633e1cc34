"""pause: the process is frozen. It keeps its connections and answers nobody: that hurts more than a death."""

from chaos.fault import PARTS, Demonstration, Fault, Injection, Proof, register
from foundation.failure import Failure
from testbed.inventory import Part
from testbed.site import Site


class Pause(Fault):
    name = "pause"
    help = "Freeze the process (SIGSTOP): it keeps its connections and answers nobody."
    example = "failwhale chaos pause store:primary --for 5s"
    targets = PARTS
    demonstration = Demonstration("retweet:all", hurts={"retweet": "down"})

    def precondition(self, site: Site, part: Part) -> None:
        if not site.runtime.is_running(part.name):
            raise Failure(f"{part.name} is not running: there is nothing to pause", "see: failwhale status")
        if site.runtime.is_paused(part.name):
            raise Failure(f"{part.name} is paused already", "let it go on: failwhale chaos heal")

    def arm(self, site: Site, injection: Injection) -> None:
        site.runtime.arm(injection.lease, injection.part.name, "resume", injection.seconds)

    def disarm(self, site: Site, injection: Injection) -> None:
        site.runtime.disarm(injection.lease)

    def apply(self, site: Site, injection: Injection) -> None:
        site.runtime.pause(injection.part.name)

    def prove(self, site: Site, injection: Injection) -> Proof:
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

    def gone(self, site: Site, injection: Injection) -> Proof:
        paused = site.runtime.is_paused(injection.part.name)
        return Proof(not paused, f"{injection.part.name} {'is still stopped' if paused else 'goes on'}")


register(Pause())
