"""rotate: the site gets another certificate authority."""

from __future__ import annotations

from operations.operation import Operation, Order, register
from testbed.endpoint_certificates import TLS_KINDS
from testbed.inventory import Part
from testbed.site import Site


class Rotate(Operation):
    name = "rotate"
    help = (
        "Change the site's certificate authority, without anybody being refused. First every part trusts the "
        "next one, too; when all do, it issues every certificate anew, and the former one is trusted no more."
    )
    example = "failwhale ops rotate"

    def parts(self, site: Site, target: str) -> tuple[Part, ...]:
        return tuple(part for part in site.inventory.parts if part.kind in TLS_KINDS)

    def carry_out(self, order: Order) -> str:
        order.site.rotate_authority(order.say)
        return f"{len(order.parts)} parts present what another authority issued"


register(Rotate())
