"""kill: the process dies at once and stays down until the fault ends."""

from chaos.fault import Demonstration, Injection, Proof, register
from chaos.faults.instance.process_fault import ProcessFault
from testbed.inventory import Part
from testbed.site import Site


class Kill(ProcessFault):
    name = "kill"
    help = "Kill the process (SIGKILL) and keep it down until the fault ends."
    example = "failwhale chaos kill post@east --for 10s"
    undo = "start"
    restored = "is started"
    demonstration = Demonstration("retweet:all", hurts={"retweet": "down"})

    def apply(self, site: Site, injection: Injection) -> None:
        site.runtime.kill(injection.part.name)

    def verify(self, site: Site, injection: Injection) -> Proof:
        part = injection.part
        if site.runtime.is_running(part.name):
            return Proof(False, f"{part.name} is running")
        if site.accepts_connections(part):
            return Proof(False, f"something still listens at the address of {part.name}")
        return Proof(True, f"the process of {part.name} is gone: nobody listens there")

    def revert(self, site: Site, injection: Injection) -> None:
        site.runtime.start(injection.part.name)
        site.welcome_back(injection.part)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        running = site.runtime.is_running(injection.part.name)
        return Proof(running, f"{injection.part.name} is {'running' if running else 'down'}")

    def leftover(self, site: Site, part: Part) -> str:
        return "" if site.runtime.is_running(part.name) else "was down"

    def sweep(self, site: Site, part: Part) -> None:
        site.runtime.start(part.name)


register(Kill())
