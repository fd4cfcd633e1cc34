"""What faults on the sentinels share: they hurt nobody until a primary is lost."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from chaos.fault import Demonstration, Depth, Fault, Injection, Value
from chaos.faults.instance.process_fault import refuse_without_process
from chaos.target import SITE, Target
from testbed.inventory import Part
from testbed.runtimes import Undo
from testbed.site import Site


class SentinelsFault(Fault):
    """A fault on some of the sentinels at once."""

    targets = (SITE,)
    lies = Depth.PROCESS
    demonstration = Demonstration(SITE)
    undo: ClassVar[Undo]
    """What the runtime does to each at the limit if the controller is dead by then."""

    @abstractmethod
    def meant(self, injection: Injection) -> list[Part]:
        """Those that it is done to."""

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        """Nobody, by itself. What hurts later is the loss of the primary."""
        return ()

    def precondition(self, site: Site, part: Part) -> None:
        if part.kind == "sentinel":
            refuse_without_process(site, part, "all sentinels must be there")

    def arm(self, site: Site, injection: Injection) -> None:
        for part in self.meant(injection):
            site.runtime.arm(f"{injection.lease}:{part.name}", part.name, self.undo, injection.seconds)

    def disarm(self, site: Site, injection: Injection) -> None:
        for part in self.meant(injection):
            site.runtime.disarm(f"{injection.lease}:{part.name}")


def sentinels_of(injection: Injection) -> list[Part]:
    """All of them."""
    return [part for part in injection.target.parts if part.kind == "sentinel"]
