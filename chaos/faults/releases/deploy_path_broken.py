"""deploy-path-broken: nothing can be rolled out or back, and whatever runs stays."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Fault, Injection, Proof, Value, register
from chaos.target import SITE, Target
from foundation.failure import Failure
from testbed.inventory import Part
from testbed.site import Site

BY, MACHINE = "releng", "build-7"
"""Whose roll-out it is that never ends: nobody here can ask another machine whether they still work at it."""


class DeployPathBroken(Fault):
    name = "deploy-path-broken"
    help = (
        "Leave what a roll-out leaves whose machine died half-way: every roll-out and roll-back is refused "
        "until it is cleared. No user notices, unless a bad release runs."
    )
    example = "failwhale chaos deploy-path-broken site --for 30s"
    targets = (SITE,)
    restored = "is free again"
    demonstration = Demonstration(SITE)

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        return ()

    def precondition(self, site: Site, part: Part) -> None:
        if obstacle := site.releases.obstacle():
            raise Failure(
                f"nothing can be rolled out or back already: {obstacle}", "failwhale release unlock"
            )

    def apply(self, site: Site, injection: Injection) -> None:
        site.releases.block(BY, "roll-out", MACHINE)

    def verify(self, site: Site, injection: Injection) -> Proof:
        try:
            with site.releases.road("proof of a fault"):
                return Proof(False, "a roll-out would begin")
        except Failure as refused:
            return Proof(True, f"a roll-out is refused: {refused.message}")

    def revert(self, site: Site, injection: Injection) -> None:
        if site.releases.is_blocked(MACHINE):
            site.releases.clear()

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        blocked = site.releases.is_blocked(MACHINE)
        return Proof(not blocked, f"the road of roll-outs is {'still blocked' if blocked else 'free'}")

    def leftover(self, site: Site, part: Part) -> str:
        """It is the site's; the controller is whom it is told of."""
        there = part.kind == "controller" and site.releases.is_blocked(MACHINE)
        return "found the road of roll-outs blocked" if there else ""

    def sweep(self, site: Site, part: Part) -> None:
        site.releases.clear()


register(DeployPathBroken())
