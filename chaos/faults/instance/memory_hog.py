"""memory-hog: the service takes much memory at once, and gives it back when the fault ends."""

from chaos.fault import Demonstration, register
from chaos.faults.instance.memory_fault import MemoryFault


class MemoryHog(MemoryFault):
    name = "memory-hog"
    help = (
        "Let the service take much memory at once, and keep it. It stays below what the part may take: "
        "users feel nothing, and status and Prometheus show it."
    )
    example = "failwhale chaos memory-hog auth@west --megabytes 80 --for 30s"
    demonstration = Demonstration("post@east", {"megabytes": 48})

    def enough(self, megabytes: int) -> float:
        return megabytes / 2


register(MemoryHog())
