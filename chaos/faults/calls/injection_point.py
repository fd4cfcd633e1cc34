"""What latency, errors and blackhole share: a service's injection point, where they expire by themselves."""

from __future__ import annotations

import random
import re
import time
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from chaos.fault import MAINTENANCE, SERVICES, Fault, Injection, Parameter, Proof, Value
from chaos.journeys import HANDSHAKES, ROUTES_OF
from chaos.target import CALLERS, Target
from foundation.failure import USAGE, Failure
from services.platform.injection_points import is_among
from testbed.control import Answer, Silent, Unreachable
from testbed.inventory import Part
from testbed.site import Site

_ANSWERS_WITHIN = 1.0
"""Seconds. Whoever asks the controller waits for all parts of a place to be looked at."""
_PROBES_AT_A_TIME = 5
_SILENCE = 0.5
"""Seconds without an answer after which a request of our own is called late, or not answered. More where
every answer takes long; less when the fault has less than twice that left: to look must not prolong it."""
_TRIED_ACCOUNTS = 100_000
"""How many are drawn until one is of the share of users that is hurt."""
_NOT_AS_EVER = 3
"""How many times longer a silence must be than what is asked beside it takes: all may be slow."""


@dataclass(frozen=True)
class Seen:
    """What became of a request of our own. Times are in seconds."""

    answer: Answer | None
    """None: silence."""
    seconds: float
    usual: float
    """What a request took at the same moment that no fault can hit."""

    @property
    def is_silence(self) -> bool:
        """Whether it was waited for in vain, much longer than answers take."""
        return self.answer is None and self.seconds > _NOT_AS_EVER * self.usual


class SetInService(Fault):
    """A fault that a service does to itself, at its injection point, while its lease lasts. `name` is the
    kind."""

    restored = "is free of it"

    def precondition(self, site: Site, part: Part) -> None:
        try:
            site.control(part, _ANSWERS_WITHIN).ask("GET", "/-/health")
        except Unreachable:
            raise Failure(
                f"{part.name} does not answer: its injection point cannot be set", "see: failwhale status"
            ) from None

    def apply(self, site: Site, injection: Injection) -> None:
        wish: dict[str, object] = {"kind": self.name, "seconds": injection.seconds, **injection.parameters}
        if injection.target.callers:
            wish["callers"] = list(injection.target.callers)
        answer = site.control(injection.part).ask("PUT", _path(injection), wish)
        if answer.status >= 300:
            raise Failure(f"{injection.part.name} refuses the injection point: {answer.detail}")

    def revert(self, site: Site, injection: Injection) -> None:
        try:
            site.control(injection.part).ask("DELETE", _path(injection))
        except Unreachable:
            if site.runtime.is_running(injection.part.name):
                raise
            # The fault lived in that process, and went with it.

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        name = injection.part.name
        try:
            hits = _hits(site, injection)
        except Unreachable:
            if site.runtime.is_running(name):
                raise
            return Proof(True, f"{name} is down, and the injection point with it")
        return Proof(hits is None, f"{name} has {'no' if hits is None else 'still the'} injection point")

    def leftover(self, site: Site, part: Part) -> str:
        """Of all kinds, whichever of them is asked."""
        found = points_of(site, part)
        return f"had an injection point ({', '.join(found)})" if found else ""

    def sweep(self, site: Site, part: Part) -> None:
        for identifier in points_of(site, part):
            site.control(part).ask("DELETE", f"/-/faults/{identifier}")


class InjectionPoint(SetInService):
    """One that hurts requests: a share of them, those of a share of the users, of one route, of some callers.

    Each kind says in `harm` by what a user would know it.
    """

    targets = SERVICES
    of_calls = True
    spares = HANDSHAKES
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("share", "share", "Share of requests that are hit.", default=1.0),
        Parameter("users", "share", "Share of users whose requests are hit; always the same users."),
        Parameter("route", "text", "Only this route, such as 'POST /api/v1/posts' or '/api/v1/posts/{id}'."),
    )

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        journeys, route = super().hurts(target, parameters), parameters["route"]
        if route is None:
            return journeys
        return tuple(
            journey
            for journey in journeys
            if any(_is_meant(str(route), one) for one in ROUTES_OF.get(journey, ()))
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

    @abstractmethod
    def harm(self, seen: Seen, parameters: Mapping[str, Value]) -> str:
        """What this fault did to a request of our own, in words; empty when it was answered as ever."""

    def verify(self, site: Site, injection: Injection) -> Proof:
        """By what requests of our own get, which are harmless when they are not hit. Where the calls of some
        callers are meant they are sent with the certificate of one of them, and with that of somebody else,
        who must be spared."""
        caller = next(iter(injection.target.callers), None)
        proof = self._bites(site, injection, caller)
        if not proof.verdict or caller is None:
            return proof
        spared = self._spares(site, injection, _bystander(site, injection.target))
        return Proof(spared.verdict, f"{proof.evidence}, sent as {caller}; {spared.evidence}")

    def _bites(self, site: Site, injection: Injection, caller: str | None) -> Proof:
        """Whether it hurts a request that this caller sends. The service's count only tells that one met the
        injection point: it can be right where the harm is missing."""
        name = injection.part.name
        for _ in range(_PROBES_AT_A_TIME):
            began = time.monotonic()
            before = _hits(site, injection)
            usual = time.monotonic() - began
            if before is None:
                return Proof(False, f"{name} has no such injection point")
            seen = _send_probe(site, injection, usual, caller)
            if (_hits(site, injection) or 0) <= before:
                continue
            if harm := self.harm(seen, injection.parameters):
                return Proof(True, f"{name} {harm}")
            if _hits_everybody(injection.parameters):
                return Proof(False, f"{name} counts a request of our own as hurt, and answered it as ever")
        return Proof(None, f"{name} has the injection point, but no request of our own was hurt by it yet")

    def _spares(self, site: Site, injection: Injection, other: str | None) -> Proof:
        """Whether a request that somebody else sends is none of those that it hurts: it gets its answer, or
        what befalls it is not of this fault, which has counted no hit meanwhile."""
        who = other or "the controller"
        for _ in range(_PROBES_AT_A_TIME):
            began = time.monotonic()
            before = _hits(site, injection) or 0
            usual = time.monotonic() - began
            seen = _send_probe(site, injection, usual, other)
            if not self.harm(seen, injection.parameters) or (_hits(site, injection) or 0) <= before:
                return Proof(True, f"one sent as {who} is spared")
        return Proof(False, f"one sent as {who} is hurt, too")


def points_of(site: Site, part: Part) -> list[str]:
    """The ids of the injection points that a part has; none when it does not say: it is starting, or ill,
    which is told elsewhere."""
    if part.service not in (*SERVICES, MAINTENANCE):
        return []
    try:
        return [str(row["id"]) for row in site.control(part).ask("GET", "/-/faults").json()]
    except (Unreachable, ValueError, TypeError, KeyError):
        return []


def _is_meant(wanted: str, route: str) -> bool:
    """Whether a route that somebody wrote, perhaps without a method or for one id, is this one."""
    method, _, path = wanted.rpartition(" ")
    known_method, _, template = route.partition(" ")
    if method not in ("", known_method):
        return False
    literal = re.split(r"\{[^}]*\}", template)
    return re.fullmatch("[^/]+".join(map(re.escape, literal)), path) is not None


def _hits_everybody(parameters: Mapping[str, Value]) -> bool:
    """Whether a count that went up must have been our own request."""
    return parameters["share"] == 1 and parameters["users"] is None


def _path(injection: Injection) -> str:
    return f"/-/faults/{injection.id}"


def _hits(site: Site, injection: Injection) -> int | None:
    """How many requests were hurt so far; None when the service has no such injection point."""
    for fault in site.control(injection.part).ask("GET", "/-/faults").json():
        if fault["id"] == injection.id:
            return int(fault["hits"])
    return None


def _bystander(site: Site, target: Target) -> str | None:
    """A part that calls the target, too, and is not meant; None when there is no other."""
    others = (part.name for part in site.inventory.parts if part.service in CALLERS[target.part.service])
    return next((name for name in others if name not in target.callers), None)


def _account_among(share: float) -> int:
    """An account that there is not, and that is one of this share of the users."""
    accounts = (random.randrange(1, 2**40) for _ in range(_TRIED_ACCOUNTS))
    return next((account for account in accounts if is_among(str(account), share)), 1)


def _send_probe(site: Site, injection: Injection, usual: float, caller: str | None) -> Seen:
    """One request about what does not exist, for who does not exist, and what became of it. It is sent with
    the certificate of this caller, or with our own.

    Raises Unreachable when it was refused, or the connection was ended.
    """
    route = str(injection.parameters["route"] or "GET /api/v1/posts/{id}")
    method, _, template = route.rpartition(" ")
    path = re.sub(r"\{[^}]*\}", "0", template)
    users = injection.parameters["users"]
    headers = site.signed_in(injection.part, _account_among(float(str(users)))) if users else {}
    patience = max(_SILENCE, (_NOT_AS_EVER + 1) * usual)
    entrance = site.entrance(injection.part, min(patience, injection.seconds / 2), caller)
    began = time.monotonic()
    try:
        answer = entrance.ask(method or "GET", path, headers=headers)
    except Silent:
        answer = None
    return Seen(answer, time.monotonic() - began, usual)
