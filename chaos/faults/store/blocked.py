"""blocked: one slow command at a time keeps the store's only thread from all others."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Injection, Parameter, Proof, Value, register
from chaos.faults.store.load_fault import LoadFault
from chaos.journeys import journeys_through
from chaos.target import Target
from testbed.site import Site

_ENOUGH = 0.5
"""The share of a standstill that a request of our own must meet to prove it."""


class Blocked(LoadFault):
    name = "blocked"
    help = (
        "A slow command stands in the way of all others, again and again: Redis has one thread. While it "
        "runs nothing is answered; reads wait for 0.4 s at most, and turn to the replica. One that lasts "
        "longer than 0.8 s is taken for a death by Sentinel, which promotes the replica; the fault stays "
        "with the server that it was aimed at. Each takes a core of the processor for its time. It ends with "
        "its controller, if not before."
    )
    example = "failwhale chaos blocked store:primary --length 600ms --every 700ms --for 10s"
    parameters = (
        Parameter(
            *("length", "duration", "How long it stands still each time."),
            default=0.38,
            low=0.01,
            high=4,
            dial=(0.05, 2),
        ),
        Parameter("every", "duration", "How often it does so.", default=0.39, low=0.02, high=60),
    )
    demonstration = Demonstration("store:primary", hurts={"retweet": "slow"})

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        return journeys_through("store", None)

    def bout(self, site: Site, injection: Injection) -> float:
        length, every = (float(str(injection.parameters[name])) for name in ("length", "every"))
        site.block(injection.part, length)
        return max(0.0, every - length)

    def revert(self, site: Site, injection: Injection) -> None:
        super().revert(site, injection)
        site.welcome_back(injection.part)

    def verify(self, site: Site, injection: Injection) -> Proof:
        part, length = injection.part, float(str(injection.parameters["length"]))
        enough = length * _ENOUGH
        waited = site.longest_wait(part, 2 * float(str(injection.parameters["every"])), enough)
        return Proof(waited >= enough, f"{part.name} let a request of our own wait for {waited:.2g} s")


register(Blocked())
