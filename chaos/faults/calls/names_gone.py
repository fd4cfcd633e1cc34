"""names-gone: no name resolves in a part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from chaos.fault import Demonstration, Parameter, Value, register
from chaos.faults.calls.road_fault import RoadFault

if TYPE_CHECKING:
    from services.platform.calls import Reached


class NamesGone(RoadFault):
    name = "names-gone"
    help = (
        "Let no name resolve in a part, so that it reaches nobody. Look-ups of services and the store fail "
        "after a wait, as with a name server that is dead; open connections are let go. Redis and Sentinel "
        "look names up for themselves, and are spared."
    )
    precedent = "Facebook, 4 October 2021: its names were gone for six hours. Dyn, 21 October 2016."
    example = "failwhale chaos names-gone place:east --for 20s"
    parameters = (
        Parameter(
            "delay",
            "duration",
            "How long a look-up takes to fail; 0: a name server says at once that there is no such name.",
            default=5,
            low=0,
            high=60,
        ),
    )
    demonstration = Demonstration("frontend:all", hurts={"retweet": "down", "home-timeline": "down"})

    def harm(self, reached: Reached, parameters: Mapping[str, Value]) -> str:
        return reached.error


register(NamesGone())
