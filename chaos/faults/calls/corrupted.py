"""corrupted: bytes of an answer are changed on its way."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Parameter, Value, register
from chaos.faults.calls.injection_point import InjectionPoint, Seen


class Corrupted(InjectionPoint):
    name = "corrupted"
    help = (
        "Change bytes in the bodies of answers, at the injection point. The first bit of each byte that is "
        "hit is turned, so that what was JSON is none any more. The request is carried out."
    )
    example = "failwhale chaos corrupted post:all --route '/api/v1/posts/{id}' --users 20% --for 30s"
    precedent = "Amazon S3, 20 July 2008: single wrong bits in messages took it down for hours."
    parameters = (
        Parameter(
            "every",
            "integer",
            "One byte of so many is changed, and at least one.",
            default=20,
            low=1,
            high=100_000,
        ),
        *InjectionPoint.parameters,
    )
    demonstration = Demonstration("retweet:all", hurts={"retweet": "down"})

    def harm(self, seen: Seen, parameters: Mapping[str, Value]) -> str:
        """None of the site's answers has bytes that are no text."""
        if seen.answer is None:
            return ""
        try:
            seen.answer.body.decode()
        except UnicodeDecodeError as error:
            return f"answered a request of our own with bytes that are no text ({error.reason})"
        return ""


register(Corrupted())
