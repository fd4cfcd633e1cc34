"""skip: a consumer group gives up the event that it cannot handle."""

from __future__ import annotations

from foundation.console import spell_duration
from foundation.failure import Failure
from foundation.user import user
from operations.operation import OnParts, Order, register
from testbed.event_log import GROUPS

TRIES = 3
"""A sound event is delivered once, or once more when a member died."""


class Skip(OnParts):
    name = "skip"
    help = (
        "Take consumers past the event that they try again and again and cannot handle. It goes to the dead "
        "letters (the stream events-dead), where it stays to be looked at; what is behind it is handled."
    )
    example = "failwhale ops skip notify:all"
    kinds = ("service",)
    services = tuple(GROUPS)
    target_help = "The consumers of a group: timeline:all, notify:all, or one of them"

    def carry_out(self, order: Order) -> str:
        groups = dict.fromkeys(GROUPS[part.service] for part in order.parts)
        skipped = {group: order.site.skip_event(group, TRIES, user()) for group in groups}
        told = [
            f"{group} gave up event {one.entry} ({one.type}) after {one.deliveries} tries"
            for group, one in skipped.items()
            if one is not None
        ]
        if not told:
            raise Failure(f"no event holds up {', '.join(groups)}", self._instead(order))
        return "; ".join(told)

    @staticmethod
    def _instead(order: Order) -> str:
        groups = {GROUPS[part.service] for part in order.parts}
        waits = max((now.waits for group in groups if (now := order.site.group_now(group))), default=0.0)
        if not waits:
            return "and nothing waits; see: failwhale status"
        return f"what waits for {spell_duration(waits)} is not taken: failwhale ops resume {order.target}"


register(Skip())
