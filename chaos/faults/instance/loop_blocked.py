"""loop-blocked: the service stands still again and again, as one does whose runtime collects garbage."""

import time

from chaos.fault import Demonstration, Injection, Parameter, Proof, register
from chaos.faults.instance.strain_fault import StrainFault
from testbed.control import Unreachable
from testbed.site import Site

_PATIENCE = 2.0
"""Seconds that a request of our own may take besides."""
_LONGEST_LOOK = 2.0
"""Seconds."""
_OF_A_PAUSE = 0.5
"""Share of a pause that a request must have waited which met one."""
_AS_EVER = 3
"""How many times longer than a request between two pauses one must take that met a pause."""


class LoopBlocked(StrainFault):
    name = "loop-blocked"
    help = (
        "Stop the service's event loop again and again, as a pause for garbage collection does. "
        "Whoever asks meanwhile waits for the end of the pause; nothing is refused."
    )
    example = "failwhale chaos loop-blocked timeline@east --pause 800ms --between 1s --for 30s"
    parameters = (
        Parameter(
            "pause",
            "duration",
            "How long it stands still each time.",
            default=0.4,
            low=0.05,
            high=5,
            dial=(0.05, 3),
        ),
        Parameter(
            "between", "duration", "How long it serves between two pauses.", default=0.6, low=0.1, high=600
        ),
    )
    demonstration = Demonstration("retweet:all", {"pause": 1.2, "between": 0.2}, hurts={"retweet": "slow"})

    def seen(self, site: Site, injection: Injection) -> Proof:
        """Requests in a row, of which some meet a pause and others do not."""
        pause = float(str(injection.parameters["pause"]))
        end = time.monotonic() + min(_LONGEST_LOOK, pause + float(str(injection.parameters["between"])))
        quickest, slowest = end, 0.0
        while time.monotonic() < end:
            began = time.monotonic()
            try:
                site.control(injection.part, pause + _PATIENCE).ask("GET", "/-/health")
            except Unreachable:
                continue
            took = time.monotonic() - began
            quickest, slowest = min(quickest, took), max(slowest, took)
            if slowest > _OF_A_PAUSE * pause and slowest > _AS_EVER * quickest:
                return Proof(
                    True,
                    f"{injection.part.name} answers after {quickest:.2g} s, and between that "
                    f"after {slowest:.2g} s",
                )
        return Proof(None, f"{injection.part.name} was asked in no pause yet: {slowest:.2g} s at most")


register(LoopBlocked())
