"""What latency, errors and black-hole share: a service's injection point, where they expire by themselves."""

from __future__ import annotations

import random
import re
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar

from chaos.fault import MAINTENANCE, SERVICES, Fault, Injection, Parameter, Proof, Value
from chaos.journeys import HANDSHAKES, ROUTES_OF
from chaos.target import CALLERS, Target
from foundation.failure import USAGE, Failure
from services.platform.injection.applied import is_among
from services.platform.injection.spec import OF_REQUESTS
from testbed.control import Answer, Silent, Unreachable
from testbed.inventory import Part
from testbed.site import Site

_ANSWERS_WITHIN = 1.0
"""Seconds. Whoever asks the controller waits for all parts of a place to be looked at."""
_PATIENCE = 2.0
"""Seconds for an answer that nobody is held up by."""
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
    broken: Unreachable | None = None
    """How the connection ended, where it did without an answer."""

    @property
    def is_silence(self) -> bool:
        """Whether it was waited for in vain, much longer than answers take."""
        return self.answer is None and self.broken is None and self.seconds > _NOT_AS_EVER * self.usual


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
        self.put(site, injection, self.wish(injection))

    def put(self, site: Site, injection: Injection, wish: Mapping[str, object]) -> None:
        """Ask for it."""
        for holder in self.holders(site, injection.part):
            answer = _asked(site, holder, "PUT", _path(injection), wish)
            if answer is not None and answer.status >= 300:
                raise Failure(f"{holder.name} refuses the injection point: {answer.detail}")

    def wish(self, injection: Injection) -> dict[str, object]:
        """What the part is asked for."""
        wish: dict[str, object] = {"kind": self.name, "seconds": injection.seconds, **injection.parameters}
        if injection.target.callers:
            wish["callers"] = list(injection.target.callers)
        return wish

    def holders(self, site: Site, part: Part) -> Sequence[Part]:
        """The parts that have the injection point when this part is the target."""
        return (part,)

    def revert(self, site: Site, injection: Injection) -> None:
        for holder in self.holders(site, injection.part):
            _asked(site, holder, "DELETE", _path(injection))

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        name = injection.part.name
        told = self._told(site, injection)
        if told is None:
            return Proof(True, f"{name} is down, and the injection point with it")
        return Proof(not told, f"{name} has {'still the' if told else 'no'} injection point")

    def _told(self, site: Site, injection: Injection) -> list[int] | None:
        """The hits of each injection point of this fault that there is; None when nobody is there to say."""
        holders = self.holders(site, injection.part)
        answers = [answer for one in holders if (answer := _asked(site, one, "GET", "/-/faults"))]
        if not answers:
            return None
        rows = [row for answer in answers for row in answer.json()]
        return [int(row["hits"]) for row in rows if row["id"] == injection.id]

    def leftover(self, site: Site, part: Part) -> str:
        """Of all kinds, whichever of them is asked."""
        found = points_of(site, part)
        return f"had an injection point ({', '.join(found)})" if found else ""

    def sweep(self, site: Site, part: Part) -> None:
        for identifier in points_of(site, part):
            site.control(part).ask("DELETE", f"/-/faults/{identifier}")


class InjectionPoint(SetInService):
    """One that hurts requests: a share of them, those of a share of the users, of one route, of some callers.

    Each kind says in `harm` by what a user would know it. Where the point is, and how it is met, is said in
    `holders` and `meet`, once for all kinds.
    """

    targets: ClassVar[tuple[str, ...]] = SERVICES
    of_calls = True
    spares: ClassVar[tuple[str, ...]] = HANDSHAKES
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("share", "share", "Share of requests that are hit.", default=1.0, dial=(0.05, 1)),
        Parameter("users", "share", "Share of users whose requests are hit; always the same users."),
        Parameter("route", "text", "Only this route, such as 'POST /api/v1/posts' or '/api/v1/posts/{id}'."),
    )

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        journeys, route = super().hurts(target, parameters), parameters.get("route")
        if route is None:
            return journeys
        return tuple(
            journey
            for journey in journeys
            if any(is_meant(str(route), one) for one in ROUTES_OF.get(journey, ()))
        )

    def refuse_misfit(self, site: Site, part: Part, parameters: Mapping[str, Value]) -> None:
        wanted = parameters["route"]
        if wanted is None:
            return
        super().precondition(site, part)  # who is silent cannot tell its routes, and is not waited for twice
        routes = site.routes(part)
        if routes is not None and not any(is_meant(str(wanted), route) for route in routes):
            raise Failure(
                f"{part.service} has no route {wanted!r}", f"its routes: {', '.join(routes)}", code=USAGE
            )

    def precondition(self, site: Site, part: Part) -> None:
        super().precondition(site, part)
        for row in filter(_hides_others, _points(site, part, _ANSWERS_WITHIN)):
            raise Failure(
                f"{row['kind']} hits every request to {part.name} already ({row['id']}), so {self.name} could"
                " not be seen beside it",
                f"end that first: failwhale chaos end {row['id']}",
            )

    def meet(self, site: Site, injection: Injection, patience: float, caller: str | None) -> Answer | None:
        """What a request of our own gets that may meet the injection point; None: no answer within so many
        seconds. Raises Unreachable when it was refused, or the connection was ended."""
        return send_probe(site, injection, patience, caller)

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
        name, unharmed = injection.part.name, False
        for _ in range(_PROBES_AT_A_TIME):
            before, usual = self._hits(site, injection)
            if before is None:
                return Proof(False, f"{name} has no such injection point")
            seen = self._see(site, injection, usual, caller)
            if (self._hits(site, injection)[0] or 0) <= before:
                continue
            if harm := self.harm(seen, injection.parameters):
                return Proof(True, f"{name} {harm}")
            unharmed = True  # or a machine that was busy for a moment made the usual as slow as the harm
        if unharmed and injection.part.kind == "service" and _hits_everybody(injection.parameters):
            return Proof(False, f"{name} counts a request of our own as hurt, and answered it as ever")
        return Proof(None, f"{name} has the injection point, but no request of our own was hurt by it yet")

    def _spares(self, site: Site, injection: Injection, other: str | None) -> Proof:
        """Whether a request that somebody else sends is none of those that it hurts: it gets its answer, or
        what befalls it is not of this fault, which has counted no hit meanwhile."""
        who = other or "the controller"
        for _ in range(_PROBES_AT_A_TIME):
            before, usual = self._hits(site, injection)
            seen = self._see(site, injection, usual, other)
            after, _ = self._hits(site, injection)
            if not self.harm(seen, injection.parameters) or (after or 0) <= (before or 0):
                return Proof(True, f"one sent as {who} is spared")
        return Proof(False, f"one sent as {who} is hurt, too")

    def _see(self, site: Site, injection: Injection, usual: float, caller: str | None) -> Seen:
        patience = min(max(_SILENCE, (_NOT_AS_EVER + 1) * usual), injection.seconds / 2)
        began = time.monotonic()
        try:
            answer, broken = self.meet(site, injection, patience, caller), None
        except Unreachable as error:
            answer, broken = None, error
        seen = Seen(answer, time.monotonic() - began, usual, broken)
        if broken is not None and not self.harm(seen, injection.parameters):
            raise broken
        return seen

    def _hits(self, site: Site, injection: Injection) -> tuple[int | None, float]:
        """How many requests were hurt so far (None when there is no such injection point), and how many
        seconds a part took to say so, which no fault can prolong."""
        began = time.monotonic()
        told = self._told(site, injection)
        seconds = (time.monotonic() - began) / len(self.holders(site, injection.part))
        return sum(told) if told else None, seconds


def _asked(
    site: Site, part: Part, method: str, path: str, wish: Mapping[str, object] | None = None
) -> Answer | None:
    """The answer of a control endpoint; None where the part is down: what was in that process went with it.
    Raises Unreachable when one that runs does not answer."""
    try:
        return site.control(part).ask(method, path, wish)
    except Unreachable:
        if site.runtime.is_running(part.name):
            raise
        return None


def points_of(site: Site, part: Part) -> list[str]:
    """The ids of the injection points that a part has; none when it does not say: it is starting, or ill,
    which is told elsewhere."""
    return [str(row["id"]) for row in _points(site, part)]


def _points(site: Site, part: Part, patience: float = _PATIENCE) -> list[dict[str, Any]]:
    if part.service not in (*SERVICES, MAINTENANCE, "link", "prober"):
        return []
    try:
        return [dict(row) for row in site.control(part, patience).ask("GET", "/-/faults").json()]
    except (Unreachable, ValueError, TypeError, KeyError):
        return []


def _hides_others(row: Mapping[str, Any]) -> bool:
    """Whether an injection point hits every request to its part, so that no other one is met."""
    narrowed = any(row.get(name) for name in ("users", "route", "callers", "store"))
    return row["kind"] in OF_REQUESTS and row.get("share", 1) == 1 and not narrowed


def is_meant(wanted: str, route: str) -> bool:
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


def _bystander(site: Site, target: Target) -> str | None:
    """A part that calls the target, too, and is not meant; None when there is no other."""
    others = (part.name for part in site.inventory.parts if part.service in CALLERS[target.part.service])
    return next((name for name in others if name not in target.callers), None)


def account_among(share: float) -> int:
    """An account that there is not, and that is one of this share of the users."""
    accounts = (random.randrange(1, 2**40) for _ in range(_TRIED_ACCOUNTS))
    return next((account for account in accounts if is_among(str(account), share)), 1)


def send_probe(
    site: Site, injection: Injection, patience: float, caller: str | None, seconds: float = inf
) -> Answer | None:
    """One request about what does not exist, for who does not exist, and what became of it, within so many
    seconds. It is sent with the certificate of this caller, or with our own."""
    route = str(injection.parameters["route"] or "GET /api/v1/posts/{id}")
    method, _, template = route.rpartition(" ")
    path = re.sub(r"\{[^}]*\}", "0", template)
    users = injection.parameters["users"]
    headers = site.signed_in(injection.part, account_among(float(str(users)))) if users else {}
    try:
        entrance = site.entrance(injection.part, patience, caller)
        return entrance.ask(method or "GET", path, headers=headers, seconds=seconds)
    except Silent:
        return None
