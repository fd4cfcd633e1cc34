"""What latency and loss share: they hold what they hit, so they can be done to bytes as well as to requests.

Of a link they hold the bytes that it relays. Of the store they hold what it answers, in the services: there
they need no rights on the machine, are the same on every runtime, and end by themselves.
"""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from chaos.fault import MAINTENANCE, SERVICES, Injection, Parameter, Value
from chaos.faults.calls.injection_point import InjectionPoint, Seen
from foundation.failure import USAGE, Failure
from testbed.control import Answer, Silent
from testbed.inventory import Part
from testbed.site import Site

_OF_REQUESTS = ("route", "users")
_CANNOT_REACH_STORE = "store-unavailable"
"""What a service calls the problem that the store has not answered it in time."""


class HoldingPoint(InjectionPoint):
    """Each kind says in `shortest` how long it holds at least what it hits."""

    targets: ClassVar[tuple[str, ...]] = (*SERVICES, "link", "store")
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(
            "share",
            "share",
            "Share of requests that are hit; of link and store, of packets.",
            default=1.0,
        ),
        *InjectionPoint.parameters[1:],
    )

    def refuse_misfit(self, site: Site, part: Part, parameters: Mapping[str, Value]) -> None:
        if part.kind == "service":
            super().refuse_misfit(site, part, parameters)
            return
        for name in _OF_REQUESTS:
            if parameters[name] is not None:
                raise Failure(
                    f"{part.name} knows no {'routes' if name == 'route' else 'users'}: it sees bytes",
                    f"leave --{name} out, or do it to a service",
                    USAGE,
                )
        if part.kind == "store" and site.store_role(part) == "replica":
            raise Failure(
                f"{part.name} is the replica now, and no service asks it", "ask for store:primary", USAGE
            )

    def precondition(self, site: Site, part: Part) -> None:
        """A store is asked in `refuse_misfit` already; the injection point is in those who ask it."""
        if part.kind != "store":
            super().precondition(site, part)

    def holders(self, site: Site, part: Part) -> Sequence[Part]:
        if part.kind != "store":
            return (part,)
        return tuple(one for one in site.inventory.parts if one.service in (*SERVICES, MAINTENANCE))

    def wish(self, injection: Injection) -> dict[str, object]:
        wish = super().wish(injection)
        if injection.part.kind == "store":
            host, port = injection.part.address()
            wish["store"] = f"{host}:{port}"
        return wish

    def meet(self, site: Site, injection: Injection, patience: float, caller: str | None) -> Answer | None:
        if injection.part.kind == "link":
            return Answer(200, b"") if site.relays_after(injection.part, patience) is not None else None
        if injection.part.kind == "store":
            return _write(site, patience)
        return super().meet(site, injection, patience, caller)

    @abstractmethod
    def shortest(self, parameters: Mapping[str, Value]) -> float:
        """Seconds for which what is hit is held at least."""

    def harm(self, seen: Seen, parameters: Mapping[str, Value]) -> str:
        if seen.answer is None:
            return (
                f"has not answered a request of our own for {seen.seconds:.2g} s" if seen.is_silence else ""
            )
        if seen.answer.problem == _CANNOT_REACH_STORE:
            return "did not answer in time for a write of our own to be done"
        held = self.shortest(parameters)
        late = seen.seconds >= held and seen.seconds - seen.usual >= held / 2
        return f"answered a request of our own after {seen.seconds:.2g} s" if late else ""


def _write(site: Site, patience: float) -> Answer | None:
    """What a service answers to a write that does nothing, since it is about a post that does not exist."""
    service = random.choice([part for part in site.inventory.parts if part.service == "retweet"])
    try:
        entrance = site.entrance(service, patience)
        headers = site.signed_in(service, random.randrange(1, 2**40))
        return entrance.ask("PUT", "/api/v1/posts/1/retweet", headers=headers)
    except Silent:
        return None
