"""crash-loop: the service dies soon after each start; what starts it again goes on doing so."""

from chaos.fault import Demonstration, Injection, Parameter, Proof, register
from chaos.faults.instance.start_fault import StartFault
from testbed.site import Site


class CrashLoop(StartFault):
    name = "crash-loop"
    help = (
        "Let the service die soon after each start. What runs the site starts it again and again, after "
        "longer and longer pauses."
    )
    example = "failwhale chaos crash-loop post@east --delay 1s --for 30s"
    parameters = (
        Parameter(
            "delay",
            "duration",
            "How long it lives each time.",
            default=0.5,
            low=0.05,
            high=60,
            dial=(10, 0.1),
        ),
    )
    demonstration = Demonstration("retweet:all", {"delay": 0.2}, hurts={"retweet": "down"})

    def seen(self, site: Site, injection: Injection) -> Proof:
        deaths = self.deaths(site, injection)
        return Proof(deaths > 0 or None, f"{injection.part.name} has died {deaths} times by itself since")


register(CrashLoop())
