"""aborted: the connection ends in the middle of an answer."""

from collections.abc import Mapping
from http.client import IncompleteRead

from chaos.fault import Demonstration, Parameter, Value, register
from chaos.faults.calls.injection_point import InjectionPoint, Seen


class Aborted(InjectionPoint):
    name = "aborted"
    help = (
        "End the connection in the middle of answers, at the injection point. The request is carried out, "
        "and who asked cannot know that."
    )
    example = "failwhale chaos aborted post:all --route 'POST /api/v1/posts' --share 20% --for 30s"
    parameters = (
        Parameter("keep", "share", "Share of the bytes of a body that come; never all.", default=0.5),
        *InjectionPoint.parameters,
    )
    demonstration = Demonstration("retweet:all", hurts={"retweet": "down"})

    def harm(self, seen: Seen, parameters: Mapping[str, Value]) -> str:
        why = seen.broken.__cause__ if seen.broken else None
        if not isinstance(why, IncompleteRead):
            return ""
        return f"sent a request of our own {len(why.partial)} bytes of an answer, and ended the connection"


register(Aborted())
