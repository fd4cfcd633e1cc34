"""truncated: an answer is cut, and says that this is all of it."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Parameter, Value, register
from chaos.faults.calls.injection_point import InjectionPoint, Seen


class Truncated(InjectionPoint):
    name = "truncated"
    help = (
        "Cut the bodies of answers, at the injection point. The length is announced as it is then, so that "
        "nobody on the way notices; who reads the answer does. The request is carried out."
    )
    example = "failwhale chaos truncated timeline:all --keep 90% --for 30s"
    parameters = (
        Parameter("keep", "share", "Share of the bytes of a body that are kept; never all.", default=0.5),
        *InjectionPoint.parameters,
    )
    demonstration = Demonstration("retweet:all", hurts={"retweet": "down"})

    def harm(self, seen: Seen, parameters: Mapping[str, Value]) -> str:
        answer = seen.answer
        if answer is None or answer.is_sound or len(answer.body) != answer.announced:
            return ""
        return f"answered a request of our own with {len(answer.body)} bytes that break off"


register(Truncated())
