"""duplicate-events: each event is delivered twice, since nobody acknowledges the first time."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Value, register
from chaos.faults.work.consumer_fault import ConsumerFault
from testbed.event_log import GroupNow

_DONE = 0.5
"""Seconds. A member acknowledges what it has taken within some milliseconds."""


class DuplicateEvents(ConsumerFault):
    name = "duplicate-events"
    help = (
        "Have the fan-out (timeline) or the notifications (notify) handle each event and not acknowledge it, "
        "so that it comes again three seconds later, to whichever member. Handlers are idempotent, so users "
        "see everything once; the group seems to be those three seconds behind."
    )
    example = "failwhale chaos duplicate-events notify:all --for 30s"
    demonstration = Demonstration("notify:all")
    spares = (*ConsumerFault.spares, "freshness", "notification", "live-stream")

    def harm(self, group: GroupNow, member: str, parameters: Mapping[str, Value]) -> str:
        taken = group.taken.get(member)
        if taken is None or taken.held < _DONE or group.waits > _DONE:
            return ""
        return (
            f"an event that {member} was given {taken.held:.1f} s ago comes again, and it goes on to others"
        )


register(DuplicateEvents())
