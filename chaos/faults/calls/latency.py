"""latency: requests are answered, but late."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Parameter, Value, register
from chaos.faults.calls.injection_point import InjectionPoint, Seen


class Latency(InjectionPoint):
    name = "latency"
    help = "Answer requests late, at the service's injection point."
    example = "failwhale chaos latency timeline:all --from frontend@east --delay 2s --share 20% --for 30s"
    parameters = (
        Parameter("delay", "duration", "How late each request is answered.", default=1.2, low=0.001, high=60),
        *InjectionPoint.parameters,
    )
    demonstration = Demonstration("retweet:all", {"delay": 0.6}, hurts={"retweet": "slow"})

    def harm(self, seen: Seen, parameters: Mapping[str, Value]) -> str:
        delay = float(str(parameters["delay"]))
        if seen.answer is None:
            return (
                f"has not answered a request of our own for {seen.seconds:.2g} s" if seen.is_silence else ""
            )
        late = seen.seconds >= delay and seen.seconds - seen.usual >= delay / 2
        return f"answered a request of our own after {seen.seconds:.2g} s" if late else ""


register(Latency())
