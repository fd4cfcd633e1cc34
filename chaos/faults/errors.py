"""errors: requests are refused with an error status, without reaching the service's own code."""

from chaos.fault import Demonstration, Parameter, register
from chaos.points import FaultPoint


class Errors(FaultPoint):
    name = "errors"
    help = "Answer requests with an error status, at the service's fault point."
    example = "failwhale chaos errors post:all --route 'POST /api/v1/posts' --users 20% --for 30s"
    parameters = (
        Parameter("status", "integer", "The status that is answered.", default=500, low=400, high=599),
        *FaultPoint.parameters,
    )
    demonstration = Demonstration("retweet:all", hurts={"retweet": "down"})


register(Errors())
