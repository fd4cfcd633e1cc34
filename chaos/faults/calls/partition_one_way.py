"""partition-one-way: what calls send into another data centre does not arrive, and what they bring does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from chaos.fault import Demonstration, Injection, Parameter, Proof, Value, register
from chaos.faults.calls.road_fault import RoadFault
from chaos.journeys import JOURNEYS_OF
from chaos.target import Target
from foundation.failure import USAGE, Failure
from testbed.inventory import Part
from testbed.site import Site

if TYPE_CHECKING:
    from services.platform.calls import Reached


_PATIENCE = 1.0
"""Seconds for an answer from the other end of a link."""


class PartitionOneWay(RoadFault):
    name = "partition-one-way"
    help = (
        "Let nothing that a part sends into another data centre arrive, while what comes from there does. It "
        "is done where calls are made, in front ends, and in the links by which services reach the other "
        "store. Redis and Sentinel talk to each other as ever: for those there is partition, on Docker."
    )
    precedent = "Cloudflare, 2 November 2020: one switch passed some traffic and not other, for six hours."
    example = "failwhale chaos partition-one-way place:west --for 20s"
    targets = ("frontend", "link")
    parameters = (
        Parameter("to", "text", "Only into this data centre, such as east; else into every other."),
    )
    demonstration = Demonstration("frontend:all,link:all", hurts={"post": "down"})

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        """A front end calls its own data centre: without the link, nobody is hurt before that is ill, too."""
        return JOURNEYS_OF["link"] if any(part.service == "link" for part in target.parts) else ()

    def refuse_misfit(self, site: Site, part: Part, parameters: Mapping[str, Value]) -> None:
        if not _beyond(site, part, parameters):
            places = sorted(
                {one.place for one in site.inventory.parts if one.place not in (None, part.place)}
            )
            raise Failure(
                f"{part.name} has no way to {parameters['to']}",
                f"it has to {', '.join(map(str, places))}",
                USAGE,
            )

    def apply(self, site: Site, injection: Injection) -> None:
        parts = _beyond(site, injection.part, injection.parameters)
        beyond = sorted({address for part in parts for address in part.addresses.values()})
        self.put(site, injection, {**self.wish(injection), "beyond": beyond})

    def verify(self, site: Site, injection: Injection) -> Proof:
        if injection.part.kind != "link":
            return super().verify(site, injection)
        relays = site.relays(injection.part, _PATIENCE)
        what = "an answer" if relays else "no answer"
        return Proof(not relays, f"what is sent into {injection.part.name} gets {what} from its other end")

    def reached(self, site: Site, injection: Injection) -> dict[str, Reached]:
        meant = {part.name for part in _beyond(site, injection.part, injection.parameters)}
        return {to: one for to, one in super().reached(site, injection).items() if to in meant}

    def harm(self, reached: Reached, parameters: Mapping[str, Value]) -> str:
        return reached.error


def _beyond(site: Site, part: Part, parameters: Mapping[str, Value]) -> list[Part]:
    """The parts to which nothing gets."""
    to = parameters["to"]
    return [
        one for one in site.inventory.parts if one.place not in (None, part.place) and to in (None, one.place)
    ]


register(PartitionOneWay())
