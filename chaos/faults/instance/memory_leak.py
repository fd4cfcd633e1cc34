"""memory-leak: the service grows and grows, up to a bound, and gives it all back when the fault ends."""

from chaos.fault import Demonstration, Parameter, register
from chaos.faults.instance.memory_fault import MemoryFault

_A_SIGN = 6
"""Megabytes. What a service takes for its work comes and goes, but not so much."""


class MemoryLeak(MemoryFault):
    name = "memory-leak"
    help = (
        "Let the service's memory grow, second by second, up to a bound. It stays below what the part may "
        "take: users feel nothing, and status and Prometheus show it."
    )
    example = "failwhale chaos memory-leak timeline@east --rate 2 --megabytes 64 --for 60s"
    parameters = (
        MemoryFault.most,
        Parameter("rate", "integer", "Megabytes more a second.", default=4, low=1, high=1000, dial=(1, 64)),
    )
    demonstration = Demonstration("post@east", {"rate": 20, "megabytes": 40})

    def enough(self, megabytes: int) -> float:
        return min(_A_SIGN, megabytes / 2)


register(MemoryLeak())
