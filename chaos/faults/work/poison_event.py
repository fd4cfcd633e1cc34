"""poison-event: one malformed event stops a consumer group, again and again."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Injection, Proof, Value, register
from chaos.faults.work.consumer_fault import ConsumerFault
from testbed.event_log import GROUPS, GroupNow
from testbed.site import Site

_TYPES = {"timeline": "retweet.undone", "notify": "post.liked"}
"""By service, a type that its group understands and the other group passes over."""

_TRIES = 3
"""A sound event is delivered once, or once more when a member died."""


class PoisonEvent(ConsumerFault):
    name = "poison-event"
    help = (
        "Write one malformed event, and keep the group that reads it from giving it up: its members try it "
        "again and again, and nothing behind it is handled. It ends when the event goes to the dead letters "
        "(the stream events-dead), where it stays to be looked at: at the end of the fault the group puts it "
        "there, or sooner somebody who acknowledges it (XACK)."
    )
    example = "failwhale chaos poison-event notify:all --for 30s"
    demonstration = Demonstration("notify:all", hurts={"notification": "down", "live-stream": "down"})

    def apply(self, site: Site, injection: Injection) -> None:
        super().apply(site, injection)
        site.append_event(_TYPES[injection.part.service], "{}", injection.id)

    def harm(self, group: GroupNow, member: str, parameters: Mapping[str, Value]) -> str:
        tried = max((one.deliveries for one in group.taken.values()), default=0)
        return (
            f"the group has been at one event {tried} times, and at nothing behind it"
            if tried >= _TRIES
            else ""
        )

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        """By the group alone, so that it has ceased once somebody has acknowledged the event."""
        group = site.group_now(GROUPS[injection.part.service])
        if group is None:
            return super().verify_reverted(site, injection)
        stuck = self.harm(group, injection.part.name, injection.parameters)
        return Proof(not stuck, stuck or "no event holds the group up")


register(PoisonEvent())
