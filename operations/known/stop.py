"""stop: parts are stopped in good order, and stay down."""

from __future__ import annotations

from foundation.failure import Failure
from operations.operation import OnParts, Order, names_of, register
from testbed.labels import KINDS


class Stop(OnParts):
    name = "stop"
    help = (
        "Stop parts in good order (SIGTERM, their grace period). They stay down until somebody starts them: "
        "failwhale ops start, or failwhale up."
    )
    example = "failwhale ops stop post@west"
    kinds = tuple(kind for kind in KINDS if kind not in ("setup", "controller"))

    def carry_out(self, order: Order) -> str:
        up = tuple(part for part in order.parts if order.site.runtime.is_running(part.name))
        if not up:
            raise Failure(f"{names_of(order.parts)}: down already", "see: failwhale status")
        for part in up:
            order.site.runtime.stop(part.name)
        return f"stopped: {names_of(up)}"


register(Stop())
