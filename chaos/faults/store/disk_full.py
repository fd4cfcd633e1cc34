"""disk-full: the store cannot write down what it is given, and takes no more of it."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Depth, Injection, Proof, Value, register
from chaos.faults.store.primary_fault import PrimaryFault
from chaos.journeys import journeys_through
from chaos.target import Target
from foundation.failure import Failure
from testbed.inventory import Part
from testbed.site import DISK_ERROR, Site


class DiskFull(PrimaryFault):
    name = "disk-full"
    help = (
        "The store refuses writes since its file cannot grow; reads go on (MISCONF). No byte of the disk is "
        "taken: the kernel lets no file of that process become longer (RLIMIT_FSIZE), and Redis says the "
        "same as on a full disk, also to Sentinel's ping: the replica is promoted after about two seconds, "
        "which ends what users feel. It recovers within a second of the end, and is a replica then; a "
        "process that starts anew is free of it."
    )
    example = "failwhale chaos disk-full store:primary --for 10s"
    restored = "may write again"
    lies = Depth.AROUND
    # How long users feel it is a matter of how soon somebody is promoted.
    demonstration = Demonstration("store:primary")
    precedent = "Tarsnap, July 2016: a disk was full of logs, and what needed it stopped."

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        """Reads are slow for some while another is promoted."""
        return journeys_through("store", None)

    def precondition(self, site: Site, part: Part) -> None:
        super().precondition(site, part)
        if site.runtime.is_disk_full(part.name):
            raise Failure(f"{part.name} cannot write already", "let it: failwhale chaos heal")

    def apply(self, site: Site, injection: Injection) -> None:
        site.runtime.fill_disk(injection.part.name)

    def verify(self, site: Site, injection: Injection) -> Proof:
        """Redis notices by the first write that fails, which may be this one."""
        part = injection.part
        refused = site.refused_write(part)
        if DISK_ERROR not in refused:
            return Proof(False, f"{part.name} does not refuse a write for want of room on the disk")
        return Proof(True, f"{part.name} refuses a write: {refused}")

    def revert(self, site: Site, injection: Injection) -> None:
        site.free_disk(injection.part)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        part = injection.part
        full = site.runtime.is_disk_full(part.name) or site.lacks_disk(part)
        return Proof(not full, f"{part.name} has {'no' if full else 'its'} room on the disk")

    def leftover(self, site: Site, part: Part) -> str:
        is_full = part.kind == "store" and site.runtime.is_disk_full(part.name)
        return "had no room on the disk" if is_full else ""

    def sweep(self, site: Site, part: Part) -> None:
        site.runtime.clear_disk(part.name)


register(DiskFull())
