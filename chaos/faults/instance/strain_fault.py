"""What faults share that a service does to its own process, at its injection point."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from chaos.fault import MAINTENANCE, SERVICES, Injection, Proof
from chaos.faults.calls.injection_point import SetInService
from testbed.site import Site


class StrainFault(SetInService):
    """Each kind says in `seen` what callers or the kernel see of it."""

    targets: ClassVar[tuple[str, ...]] = (*SERVICES, MAINTENANCE)

    def verify(self, site: Site, injection: Injection) -> Proof:
        if not self._told(site, injection):
            return Proof(False, f"{injection.part.name} has no such injection point")
        return self.seen(site, injection)

    @abstractmethod
    def seen(self, site: Site, injection: Injection) -> Proof:
        """What can be seen of it at a part that was asked for it."""
