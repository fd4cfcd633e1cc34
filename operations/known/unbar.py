"""unbar: a replica of the store may be promoted again."""

from __future__ import annotations

from foundation.failure import Failure
from operations.operation import OnParts, Order, names_of, refuse_silent, register
from operations.waiting import comes_true, not_in_time

KNOWN_WITHIN = 10.0


class Unbar(OnParts):
    name = "unbar"
    help = "Let a store be promoted that is barred from it, and wait until every sentinel knows."
    example = "failwhale ops unbar store:replica"
    kinds = ("store",)
    usual = "store:replica"
    target_help = "store:replica, or a store by its name"

    def carry_out(self, order: Order) -> str:
        site = order.site
        refuse_silent(site, order.parts)
        barred = [part for part in order.parts if site.is_barred(part)]
        if not barred:
            raise Failure(
                f"{names_of(order.parts)} is not barred",
                site.failover_hindrance() or "a failover would work now: failwhale ops failover",
            )
        for part in barred:
            site.unbar(part)
        if not comes_true(lambda: not any(any(site.barred_by(one).values()) for one in barred), KNOWN_WITHIN):
            raise not_in_time("not every sentinel knows it", KNOWN_WITHIN, "see: failwhale status")
        return f"{names_of(barred)} may be promoted"


register(Unbar())
