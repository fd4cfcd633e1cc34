"""replication-lag: the replica follows in steps, and is seconds behind most of the time."""

from chaos.fault import Injection, Parameter, Proof, register
from chaos.faults.store.replication_cut import ReplicationCut
from testbed.site import Site


class ReplicationLag(ReplicationCut):
    name = "replication-lag"
    help = (
        "The replica of the store is behind by up to so many seconds, and nothing says so. It is held and "
        "let go in turns: it falls behind, catches up for a moment, and falls behind again. Whatever is read "
        "from it is as old, and a promotion loses as much. Its link stays up. A turn ends by the store's own "
        "clock, so with its controller gone it soon follows."
    )
    example = "failwhale chaos replication-lag store:replica --behind 5s --for 30s"
    precedent = ""
    parameters = (
        Parameter(
            *("behind", "duration", "By how much it is behind at most."),
            default=3,
            low=0.5,
            high=60,
            dial=(0.5, 30),
        ),
    )

    def apply(self, site: Site, injection: Injection) -> None:
        site.hold(injection.part, min(float(str(injection.parameters["behind"])), injection.seconds))

    def sustain(self, site: Site, injection: Injection) -> None:
        """One that was promoted meanwhile is let alone: there it would hold what users write."""
        if site.store_role(injection.part) == "replica" and not site.lags(injection.part):
            self.apply(site, injection)

    def verify(self, site: Site, injection: Injection) -> Proof:
        name, lags = injection.part.name, site.lags(injection.part)
        return Proof(lags, f"{name} {'is behind' if lags else 'has'} what the primary wrote")


register(ReplicationLag())
