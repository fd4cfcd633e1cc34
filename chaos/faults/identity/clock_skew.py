"""clock-skew: the clock of a part is ahead, or behind."""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from chaos.fault import Demonstration, Injection, Parameter, Proof, Value, register
from chaos.faults.calls.injection_point import SetInService
from chaos.journeys import JOURNEYS_OF, SIGNED_IN
from chaos.target import Target
from foundation.console import spell_duration
from foundation.failure import USAGE, Failure
from services.platform import wall_clock
from testbed.inventory import Part
from testbed.site import Site

_WAYS = ("ahead", "behind")
_CODES_DIFFER = 30.0
"""Seconds by which a code may be early or late."""
_SESSIONS_LAST = 6 * 86400.0
"""Seconds; those of a login are good for a week."""
_EXACT = 2.0
"""Seconds within which an answer tells the time."""


class ClockSkew(SetInService):
    name = "clock-skew"
    help = (
        "Set the clock of a part ahead, or behind. Sessions from an auth that is ahead are not good yet "
        "elsewhere, and codes are wrong at one that is either; an edge that is behind does not know new "
        "sessions. The deadlines of calls and certificates are not touched. What post writes while it is "
        "ahead keeps that time: those notifications stay on top until it has come."
    )
    example = "failwhale chaos clock-skew auth@east --by 5m --for 30s"
    targets = ("auth", "frontend", "post")
    parameters = (
        Parameter("by", "duration", "By how much.", default=300.0, low=3, high=30 * 86400, dial=(40, 86400)),
        Parameter("way", "text", "ahead or behind.", default="ahead"),
    )
    demonstration = Demonstration("auth:all", {"by": 300}, hurts={"login": "down"})
    more_demonstrations = (
        Demonstration("frontend:all", {"by": 86400, "way": "behind"}, hurts={"home-timeline": "down"}),
    )

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        by, ahead = float(str(parameters["by"])), parameters["way"] == "ahead"
        match target.part.service:
            case "auth":
                codes = ("login-second-factor",) if by >= _CODES_DIFFER else ()
                return JOURNEYS_OF["auth"] if ahead and by > wall_clock.MAY_DIFFER else codes
            case "frontend":
                bound = _SESSIONS_LAST if ahead else wall_clock.MAY_DIFFER
                return (*JOURNEYS_OF["auth"], *SIGNED_IN) if by > bound else ()
        return ("freshness", "notification") if ahead else ()

    def refuse_misfit(self, site: Site, part: Part, parameters: Mapping[str, Value]) -> None:
        if parameters["way"] not in _WAYS:
            raise Failure(f"a clock is {' or '.join(_WAYS)}, not {parameters['way']!r}", self.example, USAGE)

    def wish(self, injection: Injection) -> dict[str, object]:
        return {"kind": self.name, "seconds": injection.seconds, "ahead": _ahead(injection.parameters)}

    def verify(self, site: Site, injection: Injection) -> Proof:
        """By the time that an answer says it is."""
        part = injection.part
        told = site.entrance(part, 1.0).ask("GET", "/api/v1/posts/0").headers["date"]
        differs = parsedate_to_datetime(told).timestamp() - time.time()
        is_skewed = abs(differs - _ahead(injection.parameters)) <= _EXACT
        way = _WAYS[differs < 0]
        return Proof(is_skewed, f"the clock of {part.name} is {spell_duration(round(abs(differs)))} {way}")


def _ahead(parameters: Mapping[str, Value]) -> float:
    return float(str(parameters["by"])) * (1 if parameters["way"] == "ahead" else -1)


register(ClockSkew())
