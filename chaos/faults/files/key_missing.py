"""key-missing: the file of a part's private key is gone. Who runs does not notice; the next start fails."""

from chaos.fault import MAINTENANCE, SERVICES, Demonstration, Depth, Fault, Injection, Proof, register
from chaos.faults.instance.process_fault import refuse_without_process
from foundation.failure import Failure
from testbed.inventory import Part
from testbed.site import Site


class KeyMissing(Fault):
    name = "key-missing"
    help = (
        "Take the file of the part's private key away, and restart the part: only at a start is it missed. "
        "It ends again and again until the file is back."
    )
    example = "failwhale chaos key-missing post@east --for 20s"
    targets = (*SERVICES, MAINTENANCE)
    restored = "has it again"
    lies = Depth.AROUND
    demonstration = Demonstration("retweet:all", hurts={"retweet": "down"})

    def precondition(self, site: Site, part: Part) -> None:
        refuse_without_process(site, part, "nobody would miss its key")
        if site.lacks_key(part):
            raise Failure(f"the key of {part.name} is gone already", "put it back: failwhale chaos heal")

    def apply(self, site: Site, injection: Injection) -> None:
        site.hide_key(injection.part)
        site.runtime.restart(injection.part.name)

    def verify(self, site: Site, injection: Injection) -> Proof:
        part = injection.part
        if not site.lacks_key(part):
            return Proof(False, f"{part.name} has its key")
        if site.accepts_connections(part):
            return Proof(None, f"{part.name} lacks its key, and has not ended yet")
        return Proof(True, f"{part.name} does not come up without its key: nobody listens there")

    def revert(self, site: Site, injection: Injection) -> None:
        self.sweep(site, injection.part)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        lacks = site.lacks_key(injection.part)
        return Proof(not lacks, f"{injection.part.name} {'lacks its key' if lacks else 'has its key'}")

    def leftover(self, site: Site, part: Part) -> str:
        return "lacked its key" if site.lacks_key(part) else ""

    def sweep(self, site: Site, part: Part) -> None:
        """Started at once: it would come up by itself, but perhaps much later."""
        was_missing = site.lacks_key(part)
        site.restore_key(part)
        if was_missing or not site.runtime.is_running(part.name):
            site.runtime.restart(part.name)


register(KeyMissing())
