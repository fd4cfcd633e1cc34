"""latency: requests are answered, but late."""

from chaos.fault import Demonstration, Parameter, register
from chaos.points import FaultPoint


class Latency(FaultPoint):
    name = "latency"
    help = "Answer requests late, at the service's fault point."
    example = "failwhale chaos latency timeline:all --delay 2s --share 20% --for 30s"
    parameters = (
        Parameter("delay", "duration", "How late each request is answered.", default=1.2, low=0.001, high=60),
        *FaultPoint.parameters,
    )
    demonstration = Demonstration("retweet:all", {"delay": 0.6}, hurts={"retweet": "slow"})


register(Latency())
