"""quorum-lost: a sentinel is there, and reaches too few others to promote anybody."""

from chaos.fault import Injection, Proof, register
from chaos.faults.instance.pause import Pause
from chaos.faults.store.sentinels_fault import SentinelsFault, sentinels_of
from testbed.inventory import Part
from testbed.site import Site


class QuorumLost(SentinelsFault):
    name = "quorum-lost"
    help = (
        "Freeze a majority of the sentinels: the others cannot promote anybody (SIGSTOP). Nobody is hurt "
        "while the primary lives; if it dies, nobody can write until the fault ends. A sentinel that is left "
        "says so itself (SENTINEL CKQUORUM); nobody else does."
    )
    example = "failwhale chaos quorum-lost site --for 10s"
    undo = "resume"
    restored = Pause.restored
    leftover = Pause.leftover
    sweep = Pause.sweep

    def meant(self, injection: Injection) -> list[Part]:
        there = sentinels_of(injection)
        return there[: len(there) // 2 + 1]

    def apply(self, site: Site, injection: Injection) -> None:
        for part in self.meant(injection):
            site.runtime.pause(part.name)

    def verify(self, site: Site, injection: Injection) -> Proof:
        """A sentinel misses another after 0.8 s."""
        said = site.without_quorum()
        if not said:
            return Proof(None, "no sentinel answers")
        still = [name for name, lost in said.items() if not lost]
        if still:
            return Proof(False, f"{', '.join(still)} could promote somebody")
        return Proof(True, f"{', '.join(said)} reaches too few others to promote anybody")

    def revert(self, site: Site, injection: Injection) -> None:
        for part in self.meant(injection):
            site.runtime.resume(part.name)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        frozen = [part.name for part in self.meant(injection) if site.runtime.is_paused(part.name)]
        if frozen:
            return Proof(False, f"{', '.join(frozen)} frozen")
        lost = [name for name, without in site.without_quorum().items() if without]
        return Proof(
            not lost, f"{', '.join(lost)} without a quorum" if lost else "every sentinel has a quorum"
        )


register(QuorumLost())
