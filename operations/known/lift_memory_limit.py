"""lift-memory-limit: a store takes as much memory as it needs."""

from __future__ import annotations

from foundation.failure import Failure
from operations.operation import OnParts, Order, names_of, refuse_silent, register

_SETTING, _USUAL = "maxmemory", "0"


class LiftMemoryLimit(OnParts):
    name = "lift-memory-limit"
    help = (
        "Let a store take as much memory as it needs, so that it does not refuse writes for want of it. What "
        "fills it stays: failwhale ops trim."
    )
    example = "failwhale ops lift-memory-limit store:primary"
    kinds = ("store",)
    usual = "store:primary"
    target_help = "store:primary, store:all, or a store by its name"

    def carry_out(self, order: Order) -> str:
        site = order.site
        refuse_silent(site, order.parts)
        limited = [part for part in order.parts if site.setting(part, _SETTING) != _USUAL]
        if not limited:
            raise Failure(f"{names_of(order.parts)} has no limit", "what fills it: failwhale ops trim data")
        for part in limited:
            site.give_back(part, _SETTING, _USUAL)
        return f"takes as much memory as it needs: {names_of(limited)}"


register(LiftMemoryLimit())
