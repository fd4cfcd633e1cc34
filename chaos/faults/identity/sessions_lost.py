"""sessions-lost: every session that there was is ended. Everybody has to log in again."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Injection, Parameter, Proof, Value, register
from chaos.faults.calls.injection_point import SetInService
from chaos.journeys import SIGNED_IN
from chaos.target import Target
from testbed.site import Site

_OLDER = 3600.0
"""Seconds: a session from before the fault."""


class SessionsLost(SetInService):
    name = "sessions-lost"
    help = (
        "Have an edge take every session for ended that began before, so that everybody has to log in again, "
        "and can. With --again it happens to the new ones, too, every so often. What was lost is good at the "
        "end."
    )
    example = "failwhale chaos sessions-lost frontend:all --for 30s"
    targets = ("frontend",)
    parameters = (
        Parameter(
            "again",
            "duration",
            "How often they are lost again; once, where it is not given.",
            low=0.1,
            high=3600,
            dial=(60, 0.5),
        ),
    )
    demonstration = Demonstration(
        "frontend:all", {"again": 0.3}, hurts={"home-timeline": "down", "post": "down"}
    )

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        return (*SIGNED_IN, "login", "login-second-factor") if parameters["again"] else SIGNED_IN

    def wish(self, injection: Injection) -> dict[str, object]:
        return {**super().wish(injection), "again": injection.parameters["again"] or 0}

    def verify(self, site: Site, injection: Injection) -> Proof:
        part = injection.part
        since = site.signed_in(part, 1, since=_OLDER)
        answer = site.entrance(part, 1.0).ask("GET", "/api/v1/posts/0", headers=since)
        if answer.status == 401 and answer.detail == "The session has ended.":
            return Proof(True, f"{part.name} takes a session that began an hour ago for ended")
        return Proof(False, f"{part.name} knows a session that began an hour ago")


register(SessionsLost())
