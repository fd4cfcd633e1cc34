"""What faults on the replica of the store share: it must be one."""

from __future__ import annotations

from chaos.fault import Demonstration, Fault
from foundation.failure import USAGE, Failure
from testbed.inventory import Part
from testbed.site import Site


class ReplicaFault(Fault):
    """A fault on the store that is the replica now."""

    targets = ("store",)
    demonstration = Demonstration("store:replica")

    def precondition(self, site: Site, part: Part) -> None:
        if site.store_role(part) != "replica":
            raise Failure(f"{part.name} is not a replica now", f"ask for: {self.example}", USAGE)
