"""backups-unreachable: the place where backups lie is not there, so that there are none."""

from __future__ import annotations

from collections.abc import Mapping

from chaos.fault import MAINTENANCE, Demonstration, Injection, Proof, Value, register
from chaos.faults.calls.injection_point import SetInService
from chaos.target import Target
from testbed.backups import why_unreachable
from testbed.site import Site


class BackupsUnreachable(SetInService):
    name = "backups-unreachable"
    help = (
        "Have maintenance not reach the place where backups lie: every backup fails, and none can be put "
        "back. Nobody is hurt, and nothing fires, until data is lost. What lies there is not touched."
    )
    example = "failwhale chaos backups-unreachable maintenance:all --for 10m --detach"
    targets = (MAINTENANCE,)
    demonstration = Demonstration("maintenance:all")
    precedent = (
        "GitLab, 31 January 2017: the place for backups was empty, as they had failed for weeks unnoticed."
    )

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        """Nobody, until somebody needs one."""
        return ()

    def verify(self, site: Site, injection: Injection) -> Proof:
        why = why_unreachable(site, injection.part)
        return Proof(bool(why), f"{injection.part.name} says of its backups: {why or 'they are there'}")

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        gone = super().verify_reverted(site, injection)
        if not gone.verdict or not site.runtime.is_running(injection.part.name):
            return gone
        why = why_unreachable(site, injection.part)
        return Proof(not why, f"{gone.evidence}, and {why or 'it reaches its backups'}")


register(BackupsUnreachable())
