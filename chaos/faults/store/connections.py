"""connections: the store has as many as it takes, so who comes is refused."""

import socket
from collections.abc import Mapping

from chaos.fault import Demonstration, Injection, Parameter, Proof, Value, register
from chaos.faults.store.load_fault import LoadFault
from chaos.journeys import journeys_through
from chaos.target import Target
from testbed.inventory import Part
from testbed.site import Site
from testbed.store_loads import MAXCLIENTS, USUAL_MAXCLIENTS

_HELD = 150
"""Connections that keep others out: more than the services have, so that there is room for all of them as
soon as these are closed, which they are when their controller dies."""
_AGAIN = 0.1


class Connections(LoadFault):
    name = "connections"
    help = (
        "The store has as many connections as it takes, and refuses new ones (maxclients). Those that are "
        "open go on, so nobody is hurt until a service starts or loses one; --ended ends a share of the "
        "services' at the beginning. Then writes fail, and reads turn to the replica. Sentinel keeps its "
        "own connection, sees a healthy primary, and promotes nobody. It ends with the fault, or when its "
        "controller is gone, whose idle connections they are."
    )
    example = "failwhale chaos connections store:primary --ended 50% --for 10s"
    parameters = (
        Parameter("ended", "share", "Share of the services' connections that is ended first.", dial=(0.1, 1)),
    )
    restored = "takes connections"
    leaves_nothing = False
    demonstration = Demonstration("store:primary", {"ended": 1.0}, hurts={"post": "down", "retweet": "down"})
    precedent = "Twitter, January 2014: no connection was left, not even for what watched over health."

    def __init__(self) -> None:
        super().__init__()
        self._held: dict[str, list[socket.socket]] = {}

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        return journeys_through("store", None) if parameters["ended"] else ()

    def apply(self, site: Site, injection: Injection) -> None:
        if site.setting(injection.part, MAXCLIENTS) == USUAL_MAXCLIENTS:
            ended = float(str(injection.parameters["ended"] or 0))
            self._held[injection.lease] = site.crowd_out(injection.part, _HELD, ended)
        super().apply(site, injection)

    def bout(self, site: Site, injection: Injection) -> float:
        """Whatever has become free is taken, so that nobody gets in by luck."""
        held = self._held.setdefault(injection.lease, [])
        held += site.crowd(injection.part, _HELD - len(held))
        return _AGAIN

    def verify(self, site: Site, injection: Injection) -> Proof:
        refuses, name = site.refuses_connections(injection.part), injection.part.name
        return Proof(refuses, f"{name} {'refuses' if refuses else 'takes'} a new connection")

    def revert(self, site: Site, injection: Injection) -> None:
        super().revert(site, injection)
        for connection in self._held.pop(injection.lease, []):
            connection.close()
        site.give_back(injection.part, MAXCLIENTS, USUAL_MAXCLIENTS)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        """One that refuses us cannot be asked for its setting, either."""
        part = injection.part
        crowded = self.is_under_way(injection) or site.refuses_connections(part)
        full = crowded or bool(self.leftover(site, part))
        return Proof(not full, f"{part.name} takes {'no more' if full else 'new'} connections")

    def leftover(self, site: Site, part: Part) -> str:
        usual = site.setting(part, MAXCLIENTS) in (USUAL_MAXCLIENTS, None)
        return "" if usual else "took few connections"

    def sweep(self, site: Site, part: Part) -> None:
        site.give_back(part, MAXCLIENTS, USUAL_MAXCLIENTS)


register(Connections())
