"""slow-drip: an answer begins at once, and its bytes trickle."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Injection, Parameter, Value, register
from chaos.faults.calls.injection_point import InjectionPoint, Seen, send_probe
from testbed.control import Answer
from testbed.site import Site


class SlowDrip(InjectionPoint):
    name = "slow-drip"
    help = "Let the bytes of answers trickle, at the injection point. The request is carried out."
    example = "failwhale chaos slow-drip timeline:all --rate 200 --for 30s"
    parameters = (
        Parameter(
            "rate",
            "integer",
            "Bytes a second of the body; the head comes at once.",
            default=20,
            low=1,
            high=1000,
            dial=(1000, 5),
        ),
        *InjectionPoint.parameters,
    )
    demonstration = Demonstration("retweet:all", {"rate": 5}, hurts={"retweet": "down"})

    def meet(self, site: Site, injection: Injection, patience: float, caller: str | None) -> Answer | None:
        """What has come of an answer: to wait for all of it could take minutes."""
        return send_probe(site, injection, patience, caller, patience)

    def harm(self, seen: Seen, parameters: Mapping[str, Value]) -> str:
        answer = seen.answer
        if answer is None or not answer.announced:
            return ""
        came = len(answer.body)
        if came < answer.announced:
            return f"had sent {came} of {answer.announced} bytes of an answer after {seen.seconds:.2g} s"
        least = (came - 1) / float(str(parameters["rate"])) - _FIRST_DROP_SECONDS
        late = least > 0 and seen.seconds >= least and seen.seconds - seen.usual >= least / 2
        return f"needed {seen.seconds:.2g} s for an answer of {came} bytes" if late else ""


_FIRST_DROP_SECONDS = 0.02
"""What comes at once, as services/platform/injection/answers.py has it."""

register(SlowDrip())
