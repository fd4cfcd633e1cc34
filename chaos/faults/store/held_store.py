"""What faults share that keep a store from doing what it is told: how that is found and ended."""

from __future__ import annotations

from chaos.fault import Fault
from testbed.inventory import Part
from testbed.site import Site


class HeldStore(Fault):
    """A store that is held by CLIENT PAUSE, which ends by the store's own clock."""

    restored = "goes on"

    def leftover(self, site: Site, part: Part) -> str:
        if site.is_held(part):
            replica = site.store_role(part) == "replica"
            return "was kept from following the primary" if replica else "was kept from writing"
        return "answered nobody" if is_silent(site, part) else ""

    def sweep(self, site: Site, part: Part) -> None:
        """No command reaches one that is paused for all, so that one is started anew."""
        if site.is_held(part):
            site.let_go(part)
        else:
            site.runtime.restart(part.name)


def is_silent(site: Site, part: Part) -> bool:
    """Whether a store accepts connections, is not frozen, and answers nobody."""
    return (
        part.kind == "store"
        and not site.answers(part)
        and site.runtime.is_running(part.name)
        and not site.runtime.is_paused(part.name)
        and site.accepts_connections(part)
        and not site.answers(part)
    )
