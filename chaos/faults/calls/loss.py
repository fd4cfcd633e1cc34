"""loss: packets are lost, and TCP makes up for it: late, or at last not at all."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Parameter, Value, register
from chaos.faults.calls.holding_point import HoldingPoint

_FIRST_RETRANSMISSION = 0.2
"""Seconds, as services/platform/injection/held.py has it."""


class Loss(HoldingPoint):
    name = "loss"
    help = (
        "Lose packets, as far as users can tell. No packet is dropped: a share of what passes is held as "
        "TCP holds it until a lost packet is sent again, 200 ms and then twice as long each time; after four "
        "times the connection ends. Of a service: requests to it. Of a link: what it relays, in both "
        "directions. Of the store: what it answers to the services. There, what comes behind waits as well."
    )
    example = "failwhale chaos loss link@west --share 20% --for 30s"
    parameters = (
        Parameter(
            "share",
            "share",
            "Share of packets that are lost, also when sent again.",
            default=0.2,
            dial=(0.02, 0.9),
        ),
        *HoldingPoint.parameters[1:],
    )
    demonstration = Demonstration("retweet:all", {"share": 0.9}, hurts={"retweet": "down"})
    more_demonstrations = (
        Demonstration("link:all", {"share": 0.5}),
        Demonstration("store:primary", {"share": 1.0}, hurts={"post": "down"}),
    )

    def shortest(self, parameters: Mapping[str, Value]) -> float:
        return _FIRST_RETRANSMISSION


register(Loss())
