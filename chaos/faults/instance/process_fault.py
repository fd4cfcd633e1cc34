"""What faults on the process of a part share: there must be one, and the runtime promises to undo them."""

from __future__ import annotations

from typing import ClassVar

from chaos.fault import PARTS, Depth, Fault, Injection
from foundation.failure import Failure
from testbed.inventory import Part
from testbed.runtimes import Undo
from testbed.site import Site


class ProcessFault(Fault):
    """A fault on a running process."""

    targets: ClassVar[tuple[str, ...]] = PARTS
    lies = Depth.PROCESS
    undo: ClassVar[Undo]
    """What the runtime does at the limit if the controller is dead by then."""

    def precondition(self, site: Site, part: Part) -> None:
        refuse_without_process(site, part, f"there is nothing to {self.name}")

    def arm(self, site: Site, injection: Injection) -> None:
        site.runtime.arm(injection.lease, injection.part.name, self.undo, injection.seconds)

    def disarm(self, site: Site, injection: Injection) -> None:
        site.runtime.disarm(injection.lease)


def refuse_without_process(site: Site, part: Part, why: str) -> None:
    """Raise Failure when the part is down."""
    if not site.runtime.is_running(part.name):
        raise Failure(f"{part.name} is not running: {why}", "see: failwhale status")
