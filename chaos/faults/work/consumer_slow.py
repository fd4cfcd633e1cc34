"""consumer-slow: a member of a consumer group needs seconds for each event. What it does comes late."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Parameter, Value, register
from chaos.faults.work.consumer_fault import ConsumerFault
from testbed.event_log import GroupNow


class ConsumerSlow(ConsumerFault):
    name = "consumer-slow"
    help = (
        "Have the fan-out (timeline) or the notifications (notify) take longer for each event. One waits for "
        "another, so that posts and notifications come later and later, with no error; once it ends, what "
        "has piled up is worked off at the usual speed."
    )
    example = "failwhale chaos consumer-slow timeline:all --delay 2s --for 30s"
    precedent = "Twitter, where a post should reach its readers within five seconds"
    parameters = (
        Parameter(
            "delay",
            "duration",
            "How much longer each event takes.",
            default=1.0,
            low=0.02,
            high=600,
            dial=(0.05, 5),
        ),
    )
    demonstration = Demonstration("timeline:all", {"delay": 3.0}, hurts={"freshness": "down"})

    def harm(self, group: GroupNow, member: str, parameters: Mapping[str, Value]) -> str:
        taken = group.taken.get(member)
        if taken is None or taken.held < float(str(parameters["delay"])) / 2:
            return ""
        return f"{member} took an event {taken.held:.2g} s ago, and has not done with it"


register(ConsumerSlow())
