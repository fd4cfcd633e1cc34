"""restart: the process is stopped in good order and started again. It happens once."""

from chaos.fault import Demonstration, Injection, Proof, register
from chaos.faults.instance.process_fault import ProcessFault
from foundation.failure import Failure
from testbed.site import Site

_YOUNG = 60.0
"""Seconds. One that lives longer than a proof takes was not restarted."""


class Restart(ProcessFault):
    name = "restart"
    help = "Stop the process in good order (SIGTERM, its grace period) and start it again. Done once."
    example = "failwhale chaos restart post@east"
    undo = "start"
    lasting = False
    restored = "is started"
    demonstration = Demonstration("post@east")

    def apply(self, site: Site, injection: Injection) -> None:
        name = injection.part.name
        before = site.runtime.age(name)
        site.runtime.restart(name)
        if site.runtime.age(name) >= before:
            raise Failure(f"{name} still runs in the process that it had")

    def verify(self, site: Site, injection: Injection) -> Proof:
        """When it answers again is seen by the proof that it is over."""
        name = injection.part.name
        if not site.runtime.is_running(name):
            return Proof(None, f"{name} does not run yet")
        age = site.runtime.age(name)
        return Proof(age < _YOUNG, f"the process of {name} is {age:.1f} s old")

    def revert(self, site: Site, injection: Injection) -> None:
        site.runtime.start(injection.part.name)
        site.welcome_back(injection.part)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        running = site.runtime.is_running(injection.part.name)
        return Proof(running, f"{injection.part.name} is {'running' if running else 'down'}")


register(Restart())
