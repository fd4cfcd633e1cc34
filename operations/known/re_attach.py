"""re-attach: a replica of the store follows the primary again."""

from __future__ import annotations

from foundation.failure import Failure
from operations.operation import OnParts, Order, names_of, refuse_silent, register
from operations.waiting import comes_true, not_in_time
from testbed.inventory import Part
from testbed.site import Site

FOLLOWS_WITHIN = 15.0


class ReAttach(OnParts):
    name = "re-attach"
    help = (
        "Have a replica of the store follow the primary, whatever keeps it from that. What it alone has is "
        "lost, also where it took writes as a primary of its own."
    )
    example = "failwhale ops re-attach store:replica"
    kinds = ("store",)
    usual = "store:replica"
    target_help = "store:replica, or a store by its name"

    def carry_out(self, order: Order) -> str:
        site = order.site
        primary = site.agreed_primary()
        if primary is None:
            raise Failure("the sentinels name no primary that could be followed", "failwhale ops failover")
        if primary in order.parts:
            raise Failure(f"{primary.name} is the primary", "the other one instead: failwhale ops failover")
        refuse_silent(site, order.parts)
        for part in order.parts:
            site.re_attach(part, primary)
        if not comes_true(lambda: all(_follows(site, part) for part in order.parts), FOLLOWS_WITHIN):
            raise not_in_time(
                f"{names_of(order.parts)} does not follow {primary.name}",
                FOLLOWS_WITHIN,
                f"failwhale ops restart {order.parts[0].name}",
            )
        return f"{names_of(order.parts)} follows {primary.name}, and has what it wrote"


def _follows(site: Site, part: Part) -> bool:
    return site.store_role(part) == "replica" and site.ready(part) and not site.lags(part)


register(ReAttach())
