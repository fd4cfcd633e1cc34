"""reset: instead of an answer, the connection is ended by TCP's reset."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Value, register
from chaos.faults.calls.injection_point import InjectionPoint, Seen
from testbed.control import WasReset


class Reset(InjectionPoint):
    name = "reset"
    help = "Reset the connection of requests instead of answering, at the injection point. Nothing is done."
    example = "failwhale chaos reset frontend@east --share 30% --for 30s"
    precedent = "Comcast, 2007: it sent resets into its customers' transfers."
    demonstration = Demonstration("retweet:all", hurts={"retweet": "down"})

    def harm(self, seen: Seen, parameters: Mapping[str, Value]) -> str:
        return "reset the connection of a request of our own" if isinstance(seen.broken, WasReset) else ""


register(Reset())
