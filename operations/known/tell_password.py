"""tell-password: the stores take the password that the services have."""

from __future__ import annotations

from foundation.failure import Failure
from operations.operation import OnParts, Order, names_of, refuse_silent, register


class TellPassword(OnParts):
    name = "tell-password"
    help = (
        "Finish a change of the services' password at the store. Stores that have another one than the "
        "services were told take theirs again; open connections go on."
    )
    example = "failwhale ops tell-password store:all"
    kinds = ("store",)
    usual = "store:all"
    target_help = "store:all, or a store by its name"

    def carry_out(self, order: Order) -> str:
        site = order.site
        refuse_silent(site, order.parts)
        differ = [part for part in order.parts if site.is_password_rotated(part)]
        if not differ:
            raise Failure(f"{names_of(order.parts)} takes the services' password", "see: failwhale status")
        for part in differ:
            site.give_password_back(part)
        refusing = [part for part in differ if site.is_password_rotated(part)]
        if refusing:
            raise Failure(
                f"{names_of(refusing)} still refuses the services' password",
                f"failwhale ops restart {refusing[0].name}",
            )
        return f"takes the services' password: {names_of(differ)}"


register(TellPassword())
