"""What a client may do, and how much of it: by its plan, which the configuration names.

A client names itself, in a header. Nobody is kept out by that who lies; it tells the site's own clients from
all others, as the key of an application does elsewhere.
"""

from dataclasses import dataclass
from typing import Final

from services.frontend.options import Options
from services.frontend.routes import EdgeRoute
from services.platform.configuration.document import Document
from services.platform.configuration.schema import ACCESS, FEATURES, OTHERS, OWN_CLIENTS, PLANS
from services.platform.problems import Problem
from services.platform.rate_limit import Limit, limit_of

CLIENT_HEADER: Final = b"failwhale-client"
CLIENT: Final = "failwhale.client"
"""In the scope of a public request: how its client names itself."""

_READS = frozenset({"GET", "HEAD"})


@dataclass(slots=True)
class Plan:
    """What clients of a plan may do, and the limit of each session."""

    name: str
    access: str
    sessions: Limit

    def allows(self, method: str, route: EdgeRoute) -> bool:
        """Whether it includes an operation. To log in, and out, is part of reading."""
        if self.access == "read":
            return method in _READS or route.service == "auth"
        return self.access == "read-write"


class Plans:
    """The plans of all clients, and the features that are switched off."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._plans: dict[str, Plan] = {}
        self._of: dict[bytes, Plan] = {}
        self._of_others: Plan
        self._off: frozenset[str] = frozenset()

    def apply(self, document: Document) -> None:
        """Go by this configuration. Raises ValueError, TypeError for what is no plan."""
        plans = {name: self._plan(name, document) for name in PLANS}
        of = {client: plans[document.value(f"clients.{client}")] for client in (*OWN_CLIENTS, OTHERS)}
        self._off = frozenset(name for name in FEATURES if not document.value(f"features.{name}"))
        self._plans, self._of_others = plans, of.pop(OTHERS)
        self._of = {client.encode("ascii"): plan for client, plan in of.items()}

    def of(self, client: bytes | None) -> Plan:
        """The plan of a client that names itself like this."""
        return self._of_others if client is None else self._of.get(client, self._of_others)

    def admit(self, client: bytes | None, method: str, route: EdgeRoute) -> Plan:
        """The plan by which an operation is done. Raises Problem 403 where it is not included, 503 where what
        it belongs to is switched off for all."""
        if route.feature in self._off:
            raise Problem(
                503, "switched-off", "This is switched off at the moment", headers={"Retry-After": "10"}
            )
        plan = self.of(client)
        if plan.access != "read-write" and not plan.allows(method, route):
            raise Problem(
                403,
                "not-in-your-plan",
                "Your current plan does not include access to this",
                f"The plan {plan.name} has access {plan.access}.",
            )
        return plan

    def _plan(self, name: str, document: Document) -> Plan:
        access = document.value(f"plans.{name}.access")
        if access not in ACCESS:
            raise ValueError(f"plans.{name}.access: {access!r} is none of {', '.join(ACCESS)}")
        former = self._plans.get(name)
        limit = limit_of(
            document.values.get(f"plans.{name}.session-rate", self._options.session_rate),
            document.values.get(f"plans.{name}.session-burst", self._options.session_burst),
            former.sessions if former else None,
        )
        return Plan(name, access, limit)
