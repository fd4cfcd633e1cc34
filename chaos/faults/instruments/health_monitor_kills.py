"""health-monitor-kills: an automation that is too eager takes a healthy part for dead, and replaces it."""

import time
from typing import ClassVar

from chaos.fault import SERVICES, Demonstration, Injection, Parameter, Proof, register
from chaos.faults.instance.kill import Kill
from testbed.control import Unreachable
from testbed.site import Site

_ASKED_WITHIN = 1.0
_SLACK = 10.0
"""Seconds from the age at which a part is checked to its end, at most."""


class HealthMonitorKills(Kill):
    """What it has killed is down as what `kill` has, until its replacement is there."""

    name = "health-monitor-kills"
    help = (
        "Have an automation kill a part again and again and replace it a moment later, since it tolerates "
        "less than any healthy part needs to answer its health check."
    )
    example = "failwhale chaos health-monitor-kills post:all --every 5s --for 30s"
    targets: ClassVar[tuple[str, ...]] = SERVICES
    parameters = (
        Parameter(
            "every",
            "duration",
            "How old a part must be to be checked.",
            default=3.0,
            low=1,
            high=60,
            dial=(20, 1),
        ),
        Parameter("replaces", "duration", "How long it takes to replace one.", default=2.0, low=0.5, high=30),
        Parameter(
            "tolerates",
            "duration",
            "A check that takes longer has failed.",
            default=0.001,
            low=0.0001,
            high=1,
        ),
    )
    demonstration = Demonstration("retweet:all", {"replaces": 10.0}, hurts={"retweet": "down"})
    precedent = "GitHub, September 2012: a database under load failed its checks, and was failed over twice"

    def __init__(self) -> None:
        self._killed: dict[str, float] = {}
        """By lease, when. Another controller counts from its own first look."""

    def apply(self, site: Site, injection: Injection) -> None:
        """One health check, and what the automation makes of it."""
        began = time.monotonic()
        try:
            site.control(injection.part, _ASKED_WITHIN).ask("GET", "/-/health")
        except Unreachable:
            return  # it has just been started
        if time.monotonic() - began > float(str(injection.parameters["tolerates"])):
            self._killed[injection.lease] = time.monotonic()
            super().apply(site, injection)

    def sustain(self, site: Site, injection: Injection) -> None:
        name, now = injection.part.name, time.monotonic()
        if not site.runtime.is_running(name):
            killed = self._killed.setdefault(injection.lease, now)
            if now - killed >= float(str(injection.parameters["replaces"])):
                site.runtime.start(name)
        elif site.runtime.age(name) >= float(str(injection.parameters["every"])):
            self.apply(site, injection)

    def verify(self, site: Site, injection: Injection) -> Proof:
        name = injection.part.name
        if not site.answers(injection.part):
            return Proof(True, f"{name} does not answer: it is being replaced")
        age = site.runtime.age(name)
        young = age < float(str(injection.parameters["every"])) + _SLACK
        return Proof(young, f"the process of {name} is {age:.1f} s old")


register(HealthMonitorKills())
