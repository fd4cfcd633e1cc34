"""free-disk: a part that had no room on the disk writes again."""

from __future__ import annotations

from foundation.failure import Failure
from operations.operation import OnParts, Order, names_of, register


class FreeDisk(OnParts):
    name = "free-disk"
    help = (
        "Give stores room on the disk that have none: no file of theirs can grow. They take writes again, "
        "and follow who was promoted meanwhile."
    )
    example = "failwhale ops free-disk store:all"
    kinds = ("store",)
    usual = "store:all"
    target_help = "store:all, or a store by its name"

    def carry_out(self, order: Order) -> str:
        site = order.site
        full = [part for part in order.parts if site.runtime.is_disk_full(part.name)]
        if not full:
            raise Failure(f"{names_of(order.parts)}: there is room on the disk", "see: failwhale status")
        for part in full:
            site.free_disk(part)
        still = [part for part in full if site.lacks_disk(part)]
        if still:
            raise Failure(
                f"{names_of(still)} refuses writes all the same", f"failwhale ops restart {still[0].name}"
            )
        return f"has room on the disk: {names_of(full)}"


register(FreeDisk())
