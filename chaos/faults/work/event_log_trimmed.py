"""event-log-trimmed: events are trimmed from the log before a group has read them."""

from collections.abc import Mapping, Sequence

from chaos.fault import Demonstration, Value, register
from chaos.faults.work.consumer_fault import ConsumerFault
from testbed.event_log import GroupNow
from testbed.inventory import Part
from testbed.site import Site


class EventLogTrimmed(ConsumerFault):
    name = "event-log-trimmed"
    help = (
        "Have the fan-out (timeline) or the notifications (notify) read nothing, and trim the log by how far "
        "others are: what is appended meanwhile is lost to the whole group. It cannot be undone: at the end "
        "the group goes on with what is left; what was lost stays lost, and is counted (events_lost_total)."
    )
    example = "failwhale chaos event-log-trimmed timeline:all --for 10s"
    demonstration = Demonstration("timeline:all", hurts={"freshness": "down"})

    def holders(self, site: Site, part: Part) -> Sequence[Part]:
        """All members, whichever is named: what one of them reads is not lost."""
        return tuple(one for one in site.inventory.parts if one.service == part.service)

    def harm(self, group: GroupNow, member: str, parameters: Mapping[str, Value]) -> str:
        if not group.cut_off:
            return ""
        return f"the log begins {group.cut_off:.1f} s after what the group has read last: the rest is gone"


register(EventLogTrimmed())
