"""What the faults share that hurt the connections which a service makes: to other services, and to the store.

What is open already is let go when they begin: calls keep a connection for ten seconds, and the store's are
kept for ever. Redis and Sentinel make their connections by themselves, and are spared.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from chaos.fault import SERVICES, Injection, Proof, Value
from chaos.faults.calls.injection_point import SetInService
from chaos.journeys import HANDSHAKES
from testbed.site import Site

if TYPE_CHECKING:
    from services.platform.calls import Reached


class RoadFault(SetInService):
    """Each kind says in `harm` by what a part would know it."""

    targets: ClassVar[tuple[str, ...]] = SERVICES
    spares = (*HANDSHAKES, "page")

    @abstractmethod
    def harm(self, reached: Reached, parameters: Mapping[str, Value]) -> str:
        """What became of a new connection; empty when it was made as ever."""

    def reached(self, site: Site, injection: Injection) -> dict[str, Reached]:
        """What new connections of the part get to everybody whom it calls, and whom this is about."""
        from services.platform.calls import Reached  # it takes the models of the wire 0.1 s to load

        told = site.control(injection.part).ask("GET", "/-/reach").json()
        return {to: Reached(**one) for to, one in told.items()}

    def verify(self, site: Site, injection: Injection) -> Proof:
        """By new connections that the part makes for it."""
        name = injection.part.name
        reached = self.reached(site, injection)
        harm = {to: self.harm(one, injection.parameters) for to, one in reached.items()}
        unhurt = [to for to, what in harm.items() if not what]
        if unhurt:
            return Proof(False, f"{name} reaches {', '.join(unhurt)} as ever")
        to, what = next(iter(harm.items()))
        return Proof(True, f"a connection of {name} to {to}: {what}")
