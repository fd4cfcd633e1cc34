"""out-of-memory: the service grows until it is killed for it, is started again, and grows."""

from chaos.fault import Demonstration, Injection, Parameter, Proof, Value, register
from chaos.faults.instance.memory_fault import MEGABYTE
from chaos.faults.instance.start_fault import StartFault
from testbed.inventory import Part
from testbed.site import Site

_WITHOUT_LIMIT = 64
"""Megabytes that a plain process gets."""


class OutOfMemory(StartFault):
    name = "out-of-memory"
    help = (
        "Let the service grow until it is killed for its memory, after each start. On Docker the kernel does "
        "it, at the container's limit. A plain process has none: the kernel is told to refuse it what is "
        "more than 64 MB above its start, and it dies in the same way."
    )
    example = "failwhale chaos out-of-memory timeline@east --rate 100 --for 30s"
    parameters = (
        Parameter(
            "rate",
            "integer",
            "Megabytes more a second.",
            default=50,
            low=1,
            high=1000,
            dial=(2, 400),
        ),
    )
    demonstration = Demonstration("retweet:all", {"rate": 100}, hurts={"retweet": "down"})

    def found(self, site: Site, part: Part) -> dict[str, Value]:
        """More than all that it may have, swap included, where there is a limit."""
        limit = site.runtime.usage(part.name).memory_limit
        megabytes = _WITHOUT_LIMIT if limit is None else 3 * limit // MEGABYTE
        return {**super().found(site, part), "megabytes": megabytes}

    def seen(self, site: Site, injection: Injection) -> Proof:
        deaths = self.deaths(site, injection)
        return Proof(
            deaths > 0 or None, f"{injection.part.name} was killed for its memory {deaths} times since"
        )


register(OutOfMemory())
