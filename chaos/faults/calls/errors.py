"""errors: requests are refused with an error status, without reaching the service's own code."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Parameter, Value, register
from chaos.faults.calls.injection_point import InjectionPoint, Seen

_PROBLEM = "internal-error"
"""What the injection point calls every error that it answers."""


class Errors(InjectionPoint):
    name = "errors"
    help = "Answer requests with an error status, at the service's injection point."
    example = "failwhale chaos errors post:all --route 'POST /api/v1/posts' --users 20% --for 30s"
    parameters = (
        Parameter("status", "integer", "The status that is answered.", default=500, low=400, high=599),
        *InjectionPoint.parameters,
    )
    demonstration = Demonstration("retweet:all", hurts={"retweet": "down"})

    def harm(self, seen: Seen, parameters: Mapping[str, Value]) -> str:
        """A status alone could be the service's own word: a post that does not exist is a 404."""
        answer = seen.answer
        if answer is None or (answer.status, answer.problem) != (parameters["status"], _PROBLEM):
            return ""
        return f"answered a request of our own with {answer.status}"


register(Errors())
