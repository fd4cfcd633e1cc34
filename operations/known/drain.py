"""drain and undrain: front ends do not call some replicas, or call them again."""

from __future__ import annotations

from typing import ClassVar

from foundation.failure import Failure
from foundation.user import user
from operations.operation import OnParts, Order, names_of, register
from services.platform.configuration.schema import CALLED
from testbed.configuration import setting
from testbed.inventory import Part
from testbed.recorded_change import apply
from testbed.site import Site


class Drain(OnParts):
    name = "drain"
    help = (
        "Have front ends not call replicas of services, which are ill or to be looked after. The others do "
        "all the work, so one of each service must be left. It is a change of the configuration, and stays "
        "until it is undone. Users still come by both front ends, and consumers go on."
    )
    example = "failwhale ops drain place:west"
    kinds = ("service",)
    services = CALLED
    target_help = "Services behind the front ends: post@west, place:west; or several"
    drained: ClassVar[bool] = True

    def carry_out(self, order: Order) -> str:
        drained = _drained(order.site)
        others = [part for part in order.parts if (part in drained) is not self.drained]
        if not others:
            raise Failure(f"{names_of(order.parts)}: so already", "see: failwhale config show")
        if self.drained:
            _refuse_last(order, drained)
        values = {f"drained.{part.service}.{part.place}": self.drained or None for part in others}
        change = apply(order.state, setting(values, user(), order.reason or f"{self.name} {order.target}"))
        missing = [name for name in change.missing if name.startswith("frontend@")]
        if missing:
            raise Failure(
                f"{', '.join(missing)} does not go by it: {change.missing[missing[0]]}",
                "see: failwhale config show; back: failwhale config roll-back",
            )
        return f"front ends call {'nobody of' if self.drained else 'again'}: {names_of(others)}"


class Undrain(Drain):
    name = "undrain"
    help = "Have front ends call replicas again that were drained."
    example = "failwhale ops undrain place:west"
    drained = False


def _drained(site: Site) -> list[Part]:
    values = site.configuration.newest().values
    return [one for one in site.inventory.parts if values.get(f"drained.{one.service}.{one.place}")]


def _refuse_last(order: Order, drained: list[Part]) -> None:
    """Raise Failure where nobody would be left to call, or nobody who is ready."""
    for service in dict.fromkeys(part.service for part in order.parts):
        left = [
            part
            for part in order.site.inventory.parts
            if part.service == service and part not in drained and part not in order.parts
        ]
        if not any(map(order.site.ready, left)):
            what = f"{names_of(left)} is not ready" if left else "no other one is left"
            raise Failure(f"somebody must be called for {service}, and {what}", "see: failwhale status")


register(Drain())
register(Undrain())
