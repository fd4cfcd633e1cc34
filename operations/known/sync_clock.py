"""sync-clock: a part has the time of day that all have."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

from foundation.console import spell_duration
from foundation.failure import Failure
from operations.operation import OnParts, Order, names_of, register
from operations.waiting import comes_true, not_in_time
from testbed.control import Unreachable
from testbed.inventory import Part
from testbed.site import Site

RIGHT_WITHIN = 5.0
EXACT = 2.0
"""Seconds within which the date of an answer tells the time."""


class SyncClock(OnParts):
    name = "sync-clock"
    help = "Synchronise the clocks of services, and see by an answer of each that its time is right."
    example = "failwhale ops sync-clock auth:all"
    kinds = ("service",)
    services = ("frontend", "auth", "post")

    def carry_out(self, order: Order) -> str:
        before = {part.name: _ahead(order.site, part) for part in order.parts}
        for part in order.parts:
            order.site.set_right(part, "clock")
        if not comes_true(lambda: not any(_is_wrong(order.site, part) for part in order.parts), RIGHT_WITHIN):
            raise not_in_time(
                f"not every clock of {names_of(order.parts)} is right",
                RIGHT_WITHIN,
                f"failwhale ops restart {order.target}",
            )
        told = ", ".join(
            f"{name} was {spell_duration(abs(ahead))} {'ahead' if ahead > 0 else 'behind'}"
            for name, ahead in before.items()
            if abs(ahead) > EXACT
        )
        return f"clocks are right: {names_of(order.parts)} ({told or 'they were before'})"


def _is_wrong(site: Site, part: Part) -> bool:
    return abs(_ahead(site, part)) > EXACT


def _ahead(site: Site, part: Part) -> float:
    """By how many seconds a part is ahead. Raises Failure when it does not answer."""
    try:
        told = site.entrance(part, 1.0).ask("GET", "/api/v1/posts/0").headers["date"]
    except (Unreachable, KeyError):
        raise Failure(
            f"{part.name} does not answer", f"start it anew: failwhale ops restart {part.name}"
        ) from None
    return parsedate_to_datetime(told).timestamp() - time.time()


register(SyncClock())
