"""trim: what nobody needs any more leaves the store."""

from __future__ import annotations

from foundation.failure import USAGE, Failure
from operations.operation import Operation, Order, register
from testbed.inventory import Part
from testbed.maintenance import do_now, parts_of
from testbed.site import Site

JOBS = {"events": "trim-events", "data": "trim-data"}
DONE_WITHIN = 60.0


class Trim(Operation):
    name = "trim"
    help = (
        "Trim the event log, or data whose time is over, at once: the job of maintenance does it now. What a "
        "consumer group has not handled stays."
    )
    example = "failwhale ops trim events"
    target_help = "events, or data"

    def parts(self, site: Site, target: str) -> tuple[Part, ...]:
        if target not in JOBS:
            raise Failure(f"{target!r} cannot be trimmed", f"what can: {', '.join(JOBS)}", USAGE)
        return (*parts_of(site), *site.stores)

    def carry_out(self, order: Order) -> str:
        job = JOBS[order.target]
        return f"{job} is done, by {do_now(order.site, job, DONE_WITHIN)}"


register(Trim())
