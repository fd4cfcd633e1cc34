"""sentinels-down: nobody watches the store. Nobody is hurt, until the primary dies."""

from chaos.fault import Injection, Parameter, Proof, register
from chaos.faults.instance.kill import Kill
from chaos.faults.store.sentinels_fault import SentinelsFault, sentinels_of
from testbed.inventory import Part
from testbed.site import Site


class SentinelsDown(SentinelsFault):
    name = "sentinels-down"
    help = (
        "Kill all sentinels, or a number of them, and keep them down until the fault ends. Nobody is hurt "
        "while the primary lives: whoever has found it keeps the connection. Without two of the three nobody "
        "is promoted, and without any no service that starts finds the store."
    )
    example = "failwhale chaos sentinels-down site --number 3 --for 10s"
    parameters = (Parameter("number", "integer", "How many of the sentinels.", default=3, low=1, high=3),)
    undo = "start"
    restored = Kill.restored
    leftover = Kill.leftover
    sweep = Kill.sweep

    def meant(self, injection: Injection) -> list[Part]:
        return sentinels_of(injection)[: int(str(injection.parameters["number"]))]

    def apply(self, site: Site, injection: Injection) -> None:
        for part in self.meant(injection):
            site.runtime.kill(part.name)

    def verify(self, site: Site, injection: Injection) -> Proof:
        for part in self.meant(injection):
            if site.runtime.is_running(part.name) or site.accepts_connections(part):
                return Proof(False, f"{part.name} is there")
        names = ", ".join(part.name for part in self.meant(injection))
        return Proof(True, f"nobody listens at {names}: {site.failover_hindrance() or 'the others suffice'}")

    def revert(self, site: Site, injection: Injection) -> None:
        for part in self.meant(injection):
            site.runtime.start(part.name)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        down = [part.name for part in self.meant(injection) if not site.runtime.is_running(part.name)]
        return Proof(not down, f"{', '.join(down)} down" if down else "the sentinels are running")


register(SentinelsDown())
