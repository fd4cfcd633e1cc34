"""edge-too-small: an edge is provisioned for fewer requests than it gets once another one is gone."""

from collections.abc import Mapping
from typing import Any

from chaos.fault import Demonstration, Fault, Injection, Parameter, Proof, Value, register
from chaos.faults.configuration.forced_document import ForcedDocument
from chaos.journeys import JOURNEYS_OF
from chaos.target import Target
from services.platform.configuration.schema import capacity_of
from testbed.inventory import Part
from testbed.site import Site

_ASKED_AT_MOST = 100
"""Requests of a proof. Fewer are enough where the fault is in force: half of the room is not theirs."""


class EdgeTooSmall(ForcedDocument):
    name = "edge-too-small"
    help = (
        "Provision an edge for so many requests a second: enough for its usual half, and too few when it has "
        "to carry all. What is over that gets 503, sign-ups before posts and posts before reads."
    )
    example = "failwhale chaos edge-too-small frontend@west --requests 40 --for 20s"
    targets = ("frontend",)
    parameters = (
        Parameter(
            "requests",
            "integer",
            "Requests per second. The prober alone makes some 26 at each edge, and 50 at the only one.",
            default=40,
            low=1,
            high=60,
            dial=(60, 4),
        ),
    )
    service = "frontend"
    spares = tuple(one for one in JOURNEYS_OF["frontend"] if one == "page" or one.startswith("handshake-"))
    demonstration = Demonstration("frontend@west", {"requests": 12}, hurts={"post": "down"})

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        """Those that pass through this edge."""
        return Fault.hurts(self, target, parameters)

    def values(self, injection: Injection) -> Mapping[str, Any]:
        return {capacity_of(str(injection.part.place)): float(str(injection.parameters["requests"]))}

    def harm(self, site: Site, part: Part) -> str:
        """Of what is the first to be refused."""
        entrance = site.entrance(part, 1.0)
        for number in range(_ASKED_AT_MOST):
            if entrance.ask("GET", "/api/v1/users/nobody/followers").problem == "overloaded":
                return f"503, overloaded, after {number} requests of low criticality"
        return ""

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        """By the configuration that the edge goes by: to find out with requests that there is room takes all
        of them."""
        part = injection.part
        held = site.configuration.held([part])[part.name]
        if site.configuration.is_forced(injection.id) or (held and injection.id in held.document.faults):
            return Proof(False, f"{part.name} is still provisioned for less")
        return Proof(True, f"{part.name} goes by what there was before")


register(EdgeTooSmall())
