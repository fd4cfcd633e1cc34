"""latency: requests are answered, but late."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Harmless, Parameter, Value, register
from chaos.faults.calls.holding_point import HoldingPoint
from foundation.failure import USAGE, Failure
from testbed.inventory import Part
from testbed.site import Site

_MOST_JITTER = 0.9
"""As a share of the delay: so each one can be told from none."""


class Latency(HoldingPoint):
    name = "latency"
    help = (
        "Answer requests late, at the service's injection point. Of a link: hold the bytes that it relays, "
        "in both directions. Of the store: hold what it answers to the services, which take it for dead when "
        "a new connection needs more than a quarter of a second. Each delay is --delay; with --jitter evenly "
        "drawn from --delay less that to --delay plus that; with --tail from a Pareto distribution whose "
        "shortest is --delay, and of which one in 100 is longer than --tail."
    )
    example = "failwhale chaos latency timeline:all --from frontend@east --delay 2s --share 20% --for 30s"
    parameters = (
        Parameter(
            "delay",
            "duration",
            "How late each request is answered.",
            default=1.2,
            low=0.001,
            high=60,
            dial=(0.1, 5),
        ),
        Parameter(
            "jitter",
            "duration",
            "By how much a delay is shorter or longer at most; up to nine tenths of it.",
            low=0.001,
            high=60,
        ),
        Parameter("tail", "duration", "What one delay in 100 exceeds.", low=0.002, high=600),
        Parameter("draws", "integer", "Seed of the delays; every part draws the same.", low=0, high=2**31),
        *HoldingPoint.parameters,
    )
    demonstration = Demonstration("retweet:all", {"delay": 0.6}, hurts={"retweet": "slow"})
    more_demonstrations = (
        Demonstration("link:all", {"delay": 0.2}),
        Demonstration("store:primary", {"delay": 0.6}, hurts={"retweet": "slow"}),
    )

    harmless = (Harmless("timeline:any", {"delay": 0.08}), Harmless("post:any", {"delay": 0.08}))

    def refuse_misfit(self, site: Site, part: Part, parameters: Mapping[str, Value]) -> None:
        super().refuse_misfit(site, part, parameters)
        delay, jitter, tail = _drawn_from(parameters)
        if jitter and tail:
            raise Failure("a latency has a jitter or a tail, not both", "leave one of them out", USAGE)
        if jitter > _MOST_JITTER * delay:
            raise Failure("jitter: more than nine tenths of the delay", "less of it, or more --delay", USAGE)
        if tail and tail <= delay:
            raise Failure("tail: no longer than the delay", "more of it, or less --delay", USAGE)

    def shortest(self, parameters: Mapping[str, Value]) -> float:
        delay, jitter, _ = _drawn_from(parameters)
        return delay - jitter


def _drawn_from(parameters: Mapping[str, Value]) -> tuple[float, float, float]:
    delay, jitter, tail = (float(str(parameters[name] or 0.0)) for name in ("delay", "jitter", "tail"))
    return delay, jitter, tail


register(Latency())
