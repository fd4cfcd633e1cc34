"""slow-start: the service is started anew, and each start takes long. Until then nobody listens there."""

from chaos.fault import Demonstration, Injection, Parameter, Proof, register
from chaos.faults.instance.start_fault import StartFault
from testbed.site import Site


class SlowStart(StartFault):
    name = "slow-start"
    help = (
        "Start the service anew, and let each start of it take long. Meanwhile nobody listens at its "
        "address; later starts, whatever they are for, take as long until the fault ends."
    )
    example = "failwhale chaos slow-start auth@east --delay 10s --for 60s"
    parameters = (
        Parameter(
            "delay",
            "duration",
            "How much longer each start takes.",
            default=5.0,
            low=0.5,
            high=600,
            dial=(1, 60),
        ),
    )
    demonstration = Demonstration("retweet:all", {"delay": 4.0}, hurts={"retweet": "down"})

    def apply(self, site: Site, injection: Injection) -> None:
        super().apply(site, injection)
        site.runtime.restart(injection.part.name)

    def seen(self, site: Site, injection: Injection) -> Proof:
        part = injection.part
        if not site.runtime.is_running(part.name):
            return Proof(None, f"{part.name} is down")
        if site.accepts_connections(part):
            return Proof(None, f"{part.name} has started already, or not ended yet")
        return Proof(True, f"{part.name} runs, and nobody listens there yet")


register(SlowStart())
