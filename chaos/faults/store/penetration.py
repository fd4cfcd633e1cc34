"""penetration: the store is asked again and again for what is not there."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Injection, Parameter, Proof, Value, register
from chaos.faults.store.load_fault import LoadFault
from chaos.target import Target
from testbed.site import Site

_TURNS = 20
"""In a second."""
_LOOKS_FOR = 0.3
"""Seconds."""
_MOST_OF_IT = 0.5


class Penetration(LoadFault):
    name = "penetration"
    help = (
        "Ask the store again and again for posts that there are not. Every such question reaches it, as no "
        "cache has what is not there. It bears the rates that are possible here, so nobody is hurt; its hit "
        "ratio falls. Bounded, and over when its controller is gone."
    )
    example = "failwhale chaos penetration store:primary --rate 2000 --for 10s"
    parameters = (
        Parameter(
            *("rate", "integer", "Questions a second."),
            default=1000,
            low=100,
            high=10_000,
            dial=(100, 10_000),
        ),
    )
    demonstration = Demonstration("store:primary")

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        return ()

    def bout(self, site: Site, injection: Injection) -> float:
        site.ask_in_vain(injection.part, int(str(injection.parameters["rate"])) // _TURNS)
        return 1 / _TURNS

    def verify(self, site: Site, injection: Injection) -> Proof:
        share = site.in_vain(injection.part, _LOOKS_FOR)
        what = f"{share:.0%} of what is looked for in {injection.part.name} is not there"
        return Proof(share > _MOST_OF_IT, what)


register(Penetration())
