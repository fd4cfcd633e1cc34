"""latency: requests are answered, but late."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Parameter, Value, register
from chaos.faults.calls.holding_point import HoldingPoint


class Latency(HoldingPoint):
    name = "latency"
    help = (
        "Answer requests late, at the service's injection point. Of a link: hold the bytes that it relays, "
        "in both directions. Of the store: hold what it answers to the services, which take it for dead when "
        "a new connection needs more than a quarter of a second."
    )
    example = "failwhale chaos latency timeline:all --from frontend@east --delay 2s --share 20% --for 30s"
    parameters = (
        Parameter(
            "delay",
            "duration",
            "How late each request is answered.",
            default=1.2,
            low=0.001,
            high=60,
        ),
        *HoldingPoint.parameters,
    )
    demonstration = Demonstration("retweet:all", {"delay": 0.6}, hurts={"retweet": "slow"})
    more_demonstrations = (
        Demonstration("link:all", {"delay": 0.2}),
        Demonstration("store:primary", {"delay": 0.6}, hurts={"retweet": "slow"}),
    )

    def shortest(self, parameters: Mapping[str, Value]) -> float:
        return float(str(parameters["delay"]))


register(Latency())
