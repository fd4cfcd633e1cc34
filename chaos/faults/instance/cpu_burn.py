"""cpu-burn: threads in the service compute without end. It answers, when its own thread has its turn."""

import time

from chaos.fault import Demonstration, Injection, Parameter, Proof, register
from chaos.faults.instance.strain_fault import StrainFault
from testbed.site import Site

_LOOK = 0.4
"""Seconds for which it is looked at."""
_BUSY = 0.2
"""Share of a core that it must take of a machine that others may be busy on, too; at rest it takes a tenth of
that."""


class CpuBurn(StrainFault):
    name = "cpu-burn"
    help = (
        "Have threads inside the service compute without end. Together they take one core, and its answers "
        "wait for their turn: some 5 ms for each thread, several times in a request, and two seconds at most."
    )
    example = "failwhale chaos cpu-burn post@east --threads 20 --for 30s"
    parameters = (
        Parameter("threads", "integer", "How many threads compute.", default=8, low=1, high=64, dial=(4, 40)),
    )
    demonstration = Demonstration("retweet@east", {"threads": 24}, hurts={"retweet": "slow"})

    def seen(self, site: Site, injection: Injection) -> Proof:
        part = injection.part
        before, began = site.runtime.usage(part.name), time.monotonic()
        time.sleep(_LOOK)
        used = site.runtime.usage(part.name).cpu_seconds - before.cpu_seconds
        share = used / (time.monotonic() - began)
        return Proof(share > _BUSY or None, f"{part.name} takes {share:.0%} of a core, says the kernel")


register(CpuBurn())
