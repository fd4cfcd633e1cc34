"""connections-exhausted: a front end has no connection left for calls."""

from __future__ import annotations

from collections.abc import Mapping

from chaos.fault import Demonstration, Injection, Parameter, Proof, Value, register
from chaos.faults.calls.injection_point import SetInService
from chaos.journeys import HANDSHAKES, JOURNEYS_OF
from chaos.target import CALLERS, Target
from foundation.failure import USAGE, Failure
from testbed.inventory import Part
from testbed.site import Site

_ASKED_OF: Mapping[str, str] = {
    "auth": "/api/v1/me/second-factor",
    "post": "/api/v1/posts/0",
    "retweet": "/api/v1/posts/0/retweets",
    "timeline": "/api/v1/timelines/home",
    "notify": "/api/v1/notifications",
}
"""What a request of our own asks of each service; it changes nothing."""
_NOBODY = 1
_PATIENCE = 1.0
"""Seconds."""


class ConnectionsExhausted(SetInService):
    name = "connections-exhausted"
    help = (
        "Leave a front end no connection for calls to services, as a leak of them does. It may have 128 to "
        "each replica, and refuses at once what is over that, for as long as shedding is on."
    )
    precedent = "Twitter, January 2014: connections were used up, and health checks killed what was healthy."
    example = "failwhale chaos connections-exhausted frontend@east --to timeline --for 30s"
    targets = ("frontend",)
    spares = (*HANDSHAKES, "page")
    parameters = (Parameter("to", "text", "Only for calls to this service, such as post; else to all."),)
    demonstration = Demonstration("frontend:all", {"to": "retweet"}, hurts={"retweet": "down"})

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        journeys, to = super().hurts(target, parameters), parameters["to"]
        return journeys if to is None else tuple(one for one in journeys if one in JOURNEYS_OF[str(to)])

    def refuse_misfit(self, site: Site, part: Part, parameters: Mapping[str, Value]) -> None:
        if parameters["to"] not in (None, *CALLERS):
            raise Failure(
                f"{part.name} calls no {parameters['to']}", f"it calls: {', '.join(CALLERS)}", USAGE
            )

    def verify(self, site: Site, injection: Injection) -> Proof:
        """By what a request of our own gets that needs such a call."""
        part, service = injection.part, str(injection.parameters["to"] or "post")
        headers = site.signed_in(part, _NOBODY)
        answer = site.entrance(part, _PATIENCE).ask("GET", _ASKED_OF[service], headers=headers)
        refused = answer.problem == "overloaded" and answer.detail.startswith(f"{service} has as many calls")
        what = answer.detail if refused else f"answers with {answer.status}"
        return Proof(refused, f"{part.name}: {what}")


register(ConnectionsExhausted())
