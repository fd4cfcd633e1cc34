"""renew: certificates are made anew."""

from __future__ import annotations

from collections.abc import Sequence

from operations.operation import OnParts, Order, names_of, register
from operations.waiting import comes_true, not_in_time
from testbed.endpoint_certificates import LOADED_WITHIN, TLS_KINDS
from testbed.inventory import Part
from testbed.selector import Roles
from testbed.site import Site

EVERY = "all"


class Renew(OnParts):
    name = "renew"
    help = (
        "Make certificates and their keys anew, whatever is left of them, and wait until new connections are "
        "shown them. No part is restarted."
    )
    example = "failwhale ops renew frontend:all"
    kinds = TLS_KINDS
    target_help = "post@east, post:all, place:east; several; or all: whoever has a certificate"

    def among(self, target: str, parts: Sequence[Part], roles: Roles) -> tuple[Part, ...]:
        if target == EVERY:
            return tuple(part for part in parts if self.is_for(part))
        return super().among(target, parts, roles)

    def carry_out(self, order: Order) -> str:
        site = order.site
        if order.target == EVERY:
            names = site.renew_certificates()
        else:
            names = [part.name for part in order.parts]
            for part in order.parts:
                site.renew_certificate(part)
        if not comes_true(lambda: not _without_it(site, order.parts), LOADED_WITHIN):
            late = names_of(_without_it(site, order.parts))
            raise not_in_time(
                f"renewed, and {late} does not present it", LOADED_WITHIN, "see: failwhale certificates"
            )
        silent = [part for part in order.parts if site.presented_certificate(part) is None]
        later = f"; {names_of(silent)} is silent, and has it when it answers" if silent else ""
        return f"renewed: {', '.join(names)}{later}"


def _without_it(site: Site, parts: tuple[Part, ...]) -> list[Part]:
    """The parts that show a new connection another certificate than lies there, which may be good for days
    yet, or one that is refused by somebody who trusts the site's CA."""
    shown = [(part, site.presented_certificate(part)) for part in parts]
    return [
        part
        for part, one in shown
        if one is not None and (one.flaw is not None or one.certificate != site.lying_certificate(part))
    ]


register(Renew())
