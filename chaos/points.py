"""What latency, errors and blackhole share: a service's fault point, where they expire by themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from chaos.fault import SERVICES, Fault, Injection, Parameter, Proof, Value
from chaos.inventory import Part
from chaos.site import Site, Unreachable
from failwhale.failure import USAGE, Failure

_ANSWERS_WITHIN = 1.0
"""Seconds. Whoever asks the controller waits for all parts of a place to be looked at."""
_PROBES_AT_A_TIME = 5
_PROBE_TIMEOUT = 0.1
"""Seconds. A request that was hit is late or never answered, and need not be waited for to have been hit."""


class FaultPoint(Fault):
    """A fault inside the service, for a share of requests, of users, or for one route. `name` is the kind."""

    targets = SERVICES
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("share", "share", "Share of requests that are hit.", default=1.0),
        Parameter("users", "share", "Share of users whose requests are hit; always the same users."),
        Parameter("route", "text", "Only this route, such as 'POST /api/v1/posts' or '/api/v1/posts/{id}'."),
    )

    def refuse_misfit(self, site: Site, part: Part, parameters: Mapping[str, Value]) -> None:
        wanted = parameters["route"]
        if wanted is None:
            return
        self.precondition(site, part)  # who is silent cannot tell its routes, and is not waited for twice
        routes = site.routes(part)
        if routes is not None and not any(_is_meant(str(wanted), route) for route in routes):
            raise Failure(
                f"{part.service} has no route {wanted!r}", f"its routes: {', '.join(routes)}", code=USAGE
            )

    def precondition(self, site: Site, part: Part) -> None:
        try:
            site.control(part, _ANSWERS_WITHIN).ask("GET", "/-/health")
        except Unreachable:
            raise Failure(
                f"{part.name} does not answer: its fault point cannot be set", "see: failwhale status"
            ) from None

    def apply(self, site: Site, injection: Injection) -> None:
        wish: dict[str, Value] = {"kind": self.name, "seconds": injection.seconds, **injection.parameters}
        answer = site.control(injection.part).ask("PUT", _path(injection), wish)
        if answer.status >= 300:
            raise Failure(f"{injection.part.name} refuses the fault point: {answer.detail}")

    def prove(self, site: Site, injection: Injection) -> Proof:
        """A request of our own makes it certain where no user passes. It is harmless when it is not hit."""
        name = injection.part.name
        for probes in range(_PROBES_AT_A_TIME + 1):
            if probes:
                _send_probe(site, injection, probes)
            hits = _hits(site, injection)
            if hits is None:
                return Proof(False, f"{name} has no such fault point")
            if hits:
                return Proof(True, _whom_it_hurt(name, hits, probes))
        return Proof(None, f"{name} has the fault point, but no request met it yet")

    def revert(self, site: Site, injection: Injection) -> None:
        try:
            site.control(injection.part).ask("DELETE", _path(injection))
        except Unreachable:
            if site.runtime.is_running(injection.part.name):
                raise
            # The fault lived in that process, and went with it.

    def gone(self, site: Site, injection: Injection) -> Proof:
        name = injection.part.name
        try:
            hits = _hits(site, injection)
        except Unreachable:
            if site.runtime.is_running(name):
                raise
            return Proof(True, f"{name} is down, and the fault point with it")
        return Proof(hits is None, f"{name} has {'no' if hits is None else 'still the'} fault point")


def _is_meant(wanted: str, route: str) -> bool:
    """Whether a route that somebody wrote, perhaps without a method or for one id, is this one."""
    method, _, path = wanted.rpartition(" ")
    known_method, _, template = route.partition(" ")
    if method not in ("", known_method):
        return False
    literal = re.split(r"\{[^}]*\}", template)
    return re.fullmatch("[^/]+".join(map(re.escape, literal)), path) is not None


def _whom_it_hurt(name: str, hits: int, probes: int) -> str:
    """The evidence in words: `probes` of the requests were our own, so more hits than that are users'."""
    requests = f"{hits} request{'s' if hits > 1 else ''}"
    if not probes:
        return f"{name} has hurt {requests} of users"
    if hits > probes:
        return f"{name} has hurt {requests}, of users and our own"
    return f"a request of our own was hurt by {name}"


def _path(injection: Injection) -> str:
    return f"/-/faults/{injection.id}"


def _hits(site: Site, injection: Injection) -> int | None:
    """How many requests were hurt so far; None when the service has no such fault point."""
    for fault in site.control(injection.part).ask("GET", "/-/faults").json():
        if fault["id"] == injection.id:
            return int(fault["hits"])
    return None


def _send_probe(site: Site, injection: Injection, number: int) -> None:
    """One request about what does not exist, by who does not exist, without waiting for the answer."""
    route = str(injection.parameters["route"] or "GET /api/v1/posts/{id}")
    method, _, template = route.rpartition(" ")
    path = re.sub(r"\{[^}]*\}", "0", template)
    headers = (
        {"failwhale-user": str(number), "failwhale-name": "probe"} if injection.parameters["users"] else {}
    )
    try:
        site.entrance(injection.part, timeout=_PROBE_TIMEOUT).ask(method or "GET", path, headers=headers)
    except Unreachable:
        pass  # as it must be when it was hit
