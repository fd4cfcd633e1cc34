"""log-flood: a part writes so much into its log that nothing else is found there, and the disk fills."""

import re

from chaos.fault import MAINTENANCE, SERVICES, Demonstration, Harmless, Injection, Parameter, Proof, register
from chaos.faults.calls.injection_point import SetInService
from chaos.journeys import JOURNEYS_OF
from testbed.site import Site

_LOOK_AT = 20
"""Of so many lines at the end of the log, one at least must be of the flood."""


class LogFlood(SetInService):
    name = "log-flood"
    help = (
        "Have a part write so many kilobytes a second into its log, up to a most. Nobody feels it while "
        "there is room; the logs of plain processes are cut by maintenance, those of containers by Docker."
    )
    example = "failwhale chaos log-flood post@east --kilobytes 5000 --most 100 --for 1m"
    targets = (*SERVICES, MAINTENANCE)
    spares = JOURNEYS_OF["frontend"]  # all
    parameters = (
        Parameter(
            "kilobytes", "integer", "Kilobytes a second.", default=1000, low=100, high=5000, dial=(100, 5000)
        ),
        Parameter("most", "integer", "Megabytes in all.", default=20, low=1, high=200),
    )
    harmless = (Harmless("post:any", {"kilobytes": 100, "most": 1}),)
    demonstration = Demonstration("notify@east", {"kilobytes": 2000, "most": 5})

    def verify(self, site: Site, injection: Injection) -> Proof:
        if not self._told(site, injection):
            return Proof(False, f"{injection.part.name} has no such injection point")
        said = re.findall(rf"{injection.id}: (\S+) MB", "\n".join(site.last_said(injection.part, _LOOK_AT)))
        if not said:
            return Proof(False, f"the log of {injection.part.name} ends without a flood")
        return Proof(True, f"the log of {injection.part.name} has {said[-1]} MB more")


register(LogFlood())
