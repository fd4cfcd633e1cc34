"""kill: the process dies at once and stays down until the fault ends."""

from chaos.fault import PARTS, Demonstration, Fault, Injection, Proof, register
from foundation.failure import Failure
from testbed.inventory import Part
from testbed.site import Site


class Kill(Fault):
    name = "kill"
    help = "Kill the process (SIGKILL) and keep it down until the fault ends."
    example = "failwhale chaos kill post@east --for 10s"
    targets = PARTS
    demonstration = Demonstration("retweet:all", hurts={"retweet": "down"})

    def precondition(self, site: Site, part: Part) -> None:
        if not site.runtime.is_running(part.name):
            raise Failure(f"{part.name} is not running: there is nothing to kill", "see: failwhale status")

    def arm(self, site: Site, injection: Injection) -> None:
        site.runtime.arm(injection.lease, injection.part.name, "start", injection.seconds)

    def disarm(self, site: Site, injection: Injection) -> None:
        site.runtime.disarm(injection.lease)

    def apply(self, site: Site, injection: Injection) -> None:
        site.runtime.kill(injection.part.name)

    def prove(self, site: Site, injection: Injection) -> Proof:
        part = injection.part
        if site.runtime.is_running(part.name):
            return Proof(False, f"{part.name} is running")
        if site.accepts_connections(part):
            return Proof(False, f"something still listens at the address of {part.name}")
        return Proof(True, f"the process of {part.name} is gone: nobody listens there")

    def revert(self, site: Site, injection: Injection) -> None:
        site.runtime.start(injection.part.name)
        site.welcome_back(injection.part)

    def gone(self, site: Site, injection: Injection) -> Proof:
        running = site.runtime.is_running(injection.part.name)
        return Proof(running, f"{injection.part.name} is {'running' if running else 'down'}")


register(Kill())
