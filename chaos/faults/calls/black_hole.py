"""black-hole: requests are accepted and never answered."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Value, register
from chaos.faults.calls.injection_point import InjectionPoint, Seen


class BlackHole(InjectionPoint):
    name = "black-hole"
    help = "Accept requests and never answer them, at the service's injection point."
    example = "failwhale chaos black-hole auth@west --share 50% --for 30s"
    demonstration = Demonstration("retweet:all", hurts={"retweet": "down"})

    def harm(self, seen: Seen, parameters: Mapping[str, Value]) -> str:
        return f"did not answer a request of our own within {seen.seconds:.2g} s" if seen.is_silence else ""


register(BlackHole())
