"""reconcile: counters say again how many there are."""

from __future__ import annotations

from foundation.failure import Failure
from operations.operation import Operation, Order, register
from testbed.inventory import Part
from testbed.maintenance import do_now, parts_of
from testbed.site import Site

JOB = "reconcile-counters"
DONE_WITHIN = 60.0


class Reconcile(Operation):
    name = "reconcile"
    help = (
        "Set the counters of likes, retweets and followers right: the job of maintenance counts now. Some "
        "are looked at afterwards."
    )
    example = "failwhale ops reconcile"

    def parts(self, site: Site, target: str) -> tuple[Part, ...]:
        return tuple(parts_of(site))

    def carry_out(self, order: Order) -> str:
        lead = do_now(order.site, JOB, DONE_WITHIN)
        if wrong := order.site.wrongly_counted():
            raise Failure(
                f"{lead} has counted, and post {wrong.post} says that {wrong.said} like it: {wrong.right} do",
                "if the job itself is wrong: failwhale ops restart maintenance:all; then reconcile again",
            )
        return f"counted by {lead}, and what was looked at is right"


register(Reconcile())
