"""warm-homes: home timelines are filled again from what was written."""

from __future__ import annotations

from typing import Any

from foundation.failure import Failure
from operations.operation import Operation, Order, register
from testbed.control import Unreachable
from testbed.inventory import Part
from testbed.site import Site

SERVICE = "timeline"
PATIENCE = 10.0
"""Seconds for a part to go on for a while, and to say how far it is."""
SAY_EVERY = 1000
"""Homes."""


class WarmHomes(Operation):
    name = "warm-homes"
    help = (
        "Fill home timelines that were emptied, so that the next who opens one finds it full. A home is what "
        "the store keeps ready for its reader, as a cache does: it is made again from the timelines of whom "
        "its owner follows. What is there stays, and it goes on beside the reads of people, home by home."
    )
    example = "failwhale ops warm-homes"

    def parts(self, site: Site, target: str) -> tuple[Part, ...]:
        return (*(part for part in site.inventory.parts if part.service == SERVICE), *site.stores)

    def carry_out(self, order: Order) -> str:
        ready = [part for part in order.parts if part.service == SERVICE and order.site.ready(part)]
        if not ready:
            raise Failure(
                "no part of timeline is ready: nobody fills homes", "failwhale ops restart timeline:all"
            )
        warmed: dict[str, Any] = {}
        told = 0
        while not warmed or warmed["cursor"] is not None:
            warmed = _go_on(order.site, ready[0], warmed)
            if warmed["homes"] >= told + SAY_EVERY:
                told = warmed["homes"]
                order.say(f"{told} homes looked at, {warmed['lacking']} filled")
        return (
            f"{warmed['lacking']} of {warmed['homes']} home timelines lacked something, and have"
            f" {warmed['entries']} entries more"
        )


def _go_on(site: Site, part: Part, warmed: dict[str, Any]) -> dict[str, Any]:
    """How far it is now. Raises Failure where the part, or the store behind it, does not do it."""
    try:
        answer = site.control(part, PATIENCE).ask("POST", "/-/homes/warm", warmed)
    except Unreachable:
        raise Failure(f"{part.name} does not answer", f"failwhale ops restart {part.name}") from None
    if answer.status != 200:
        raise Failure(
            f"{part.name} cannot go on after {warmed.get('homes', 0)} homes: {answer.detail}",
            "it may be done again: failwhale ops warm-homes; see: failwhale status",
        )
    return dict(answer.json())


register(WarmHomes())
