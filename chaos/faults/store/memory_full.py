"""memory-full: the store has no room for more, and says so to everybody who writes."""

from chaos.fault import Injection, Proof, register
from chaos.faults.store.primary_fault import PrimaryFault
from foundation.failure import Failure
from testbed.inventory import Part
from testbed.site import Site

_SETTING, _USUAL, _LESS_THAN_IT_USES = "maxmemory", "0", "1"


class MemoryFull(PrimaryFault):
    name = "memory-full"
    help = (
        "The store refuses writes for want of memory; reads go on (OOM). Its limit is lowered below what "
        "it uses, and it evicts nothing; no memory of the machine is taken. Sentinel sees a healthy primary "
        "and promotes nobody. The end of the fault lifts it, or a restart of the store."
    )
    example = "failwhale chaos memory-full store:primary --for 10s"
    restored = "has its memory again"

    def precondition(self, site: Site, part: Part) -> None:
        super().precondition(site, part)
        if self.leftover(site, part):
            raise Failure(f"{part.name} has a limit already", "lift it: failwhale chaos heal")

    def apply(self, site: Site, injection: Injection) -> None:
        site.configure(injection.part, _SETTING, _LESS_THAN_IT_USES)

    def verify(self, site: Site, injection: Injection) -> Proof:
        part = injection.part
        refused = site.refused_write(part)
        if _SETTING not in refused:
            return Proof(False, f"{part.name} does not refuse a write for want of memory")
        reads = "answers" if site.answers(part) else "does not answer"
        return Proof(True, f"{part.name} refuses a write ({refused}) and {reads} otherwise")

    def revert(self, site: Site, injection: Injection) -> None:
        site.give_back(injection.part, _SETTING, _USUAL)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        part = injection.part
        limited = self.leftover(site, part) or _SETTING in site.refused_write(part)
        return Proof(not limited, f"{part.name} has {'too little' if limited else 'its'} memory")

    def leftover(self, site: Site, part: Part) -> str:
        return "had no memory left" if site.setting(part, _SETTING) not in (_USUAL, None) else ""

    def sweep(self, site: Site, part: Part) -> None:
        site.give_back(part, _SETTING, _USUAL)


register(MemoryFull())
