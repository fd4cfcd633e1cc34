"""start: parts that are down are started."""

from __future__ import annotations

from foundation.failure import Failure
from operations.known.restart import Restart, wait_until_ready
from operations.operation import OnParts, Order, names_of, register


class Start(OnParts):
    name = "start"
    help = "Start parts that are down, whoever stopped them, and wait until they are ready."
    example = "failwhale ops start post@east"
    kinds = Restart.kinds

    def carry_out(self, order: Order) -> str:
        down = tuple(part for part in order.parts if not order.site.runtime.is_running(part.name))
        if not down:
            raise Failure(
                f"{names_of(order.parts)}: running already",
                f"one that is ill is started anew: failwhale ops restart {order.target}",
            )
        for part in down:
            order.site.runtime.start(part.name)
        wait_until_ready(order, down)
        return f"started, and ready: {names_of(down)}"


register(Start())
