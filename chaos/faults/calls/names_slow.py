"""names-slow: every look-up of a name takes long."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from chaos.fault import Demonstration, Parameter, Value, register
from chaos.faults.calls.road_fault import RoadFault

if TYPE_CHECKING:
    from services.platform.calls import Reached


class NamesSlow(RoadFault):
    name = "names-slow"
    help = (
        "Let every look-up of a name take long in a part. New connections are late, or are not made: a call "
        "waits 0.4 s for one, and the store 0.25 s. Open connections are let go. Redis and Sentinel look "
        "names up for themselves, and are spared."
    )
    example = "failwhale chaos names-slow post:all --delay 300ms --for 30s"
    parameters = (
        Parameter(
            "delay", "duration", "How long a look-up takes.", default=2, low=0.1, high=60, dial=(0.1, 5)
        ),
    )
    demonstration = Demonstration("frontend:all", hurts={"retweet": "down", "home-timeline": "down"})

    def harm(self, reached: Reached, parameters: Mapping[str, Value]) -> str:
        is_late = reached.seconds >= float(str(parameters["delay"]))
        return reached.error or (f"made after {reached.seconds:.2g} s" if is_late else "")


register(NamesSlow())
