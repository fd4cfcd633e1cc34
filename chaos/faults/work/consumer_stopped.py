"""consumer-stopped: a member of a consumer group takes nothing any more, and nothing says so."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Value, register
from chaos.faults.work.consumer_fault import ConsumerFault
from testbed.event_log import GroupNow

_UNTAKEN = 0.5
"""Seconds. Members that wait for an event take it within some milliseconds."""
_SILENT = 2.2
"""Seconds. A member that has nothing to do looks for what others left each second, or every other."""


class ConsumerStopped(ConsumerFault):
    name = "consumer-stopped"
    help = (
        "Have the fan-out (timeline) or the notifications (notify) take no event any more. Nothing errs, and "
        "requests are answered as ever; events pile up, and are handled once it ends. While another member "
        "of the group goes on, nobody is hurt."
    )
    example = "failwhale chaos consumer-stopped notify:all --for 30s"
    precedent = "Twitter, November 2022: notifications, for days"
    demonstration = Demonstration("notify:all", hurts={"notification": "down", "live-stream": "down"})

    def harm(self, group: GroupNow, member: str, parameters: Mapping[str, Value]) -> str:
        if group.waits > _UNTAKEN:
            return f"an event has waited for {group.waits:.1f} s, and nobody of the group takes it"
        silent = group.idle.get(member, 0.0)
        return f"{member} has asked for no event for {silent:.1f} s" if silent > _SILENT else ""


register(ConsumerStopped())
