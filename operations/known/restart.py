"""restart: parts are stopped in good order and started again."""

from __future__ import annotations

from operations.operation import OnParts, Order, Parameter, names_of, register
from operations.waiting import not_in_time
from testbed.inventory import Part
from testbed.labels import KINDS
from testbed.readiness import wait_ready

READY_WITHIN = 20.0


class Restart(OnParts):
    name = "restart"
    help = (
        "Stop parts in good order and start them again, one after the other. Each is ready before the next "
        "one is touched; one that is down, or frozen, is started anew."
    )
    example = "failwhale ops restart post:all"
    kinds = tuple(kind for kind in KINDS if kind != "setup")
    parameters = (
        Parameter("at_once", "switch", "All at the same time, not one after the other.", default=False),
    )

    def carry_out(self, order: Order) -> str:
        at_once = bool(order.given["at_once"])
        for group in [order.parts] if at_once else [(part,) for part in order.parts]:
            self._restart(order, group)
        return f"restarted, and ready: {names_of(order.parts)}"

    def _restart(self, order: Order, parts: tuple[Part, ...]) -> None:
        for part in parts:
            order.site.runtime.restart(part.name)
        wait_until_ready(order, parts)


def wait_until_ready(order: Order, parts: tuple[Part, ...]) -> None:
    """Wait for parts whose processes were started. A store gives way to who was promoted meanwhile. Raises
    Failure that names who is not ready in time."""
    for part in parts:
        order.site.welcome_back(part)
    if late := wait_ready(order.site, parts, READY_WITHIN):
        raise not_in_time(
            f"{', '.join(late)}: started, and not ready", READY_WITHIN, f"see: failwhale logs {late[0]}"
        )
    order.say(f"ready: {names_of(parts)}")


register(Restart())
