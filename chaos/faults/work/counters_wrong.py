"""counters-wrong: the job that sets counters right writes wrong numbers of likes."""

from collections.abc import Mapping

from chaos.fault import MAINTENANCE, Demonstration, Injection, Parameter, Proof, Value, register
from chaos.faults.calls.injection_point import SetInService, points_of
from chaos.target import Target
from testbed.maintenance import maintenance_now, want
from testbed.site import Site


class CountersWrong(SetInService):
    name = "counters-wrong"
    help = (
        "Have the job that reconciles counters write wrong numbers of likes, for every post, at once and "
        "whenever it is done. Nothing fails, and no journey looks at likes: people do, and the prober counts "
        "those of one post (prober_likes_error). At the end the job is done again, and sets them right."
    )
    example = "failwhale chaos counters-wrong maintenance:all --by 1000 --for 30s"
    targets = (MAINTENANCE,)
    parameters = (
        Parameter("by", "integer", "By how much.", default=1000, low=1, high=1_000_000, dial=(1, 100_000)),
    )
    demonstration = Demonstration("maintenance:all")

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        """Nobody whom a journey stands for."""
        return ()

    def verify(self, site: Site, injection: Injection) -> Proof:
        if injection.id not in points_of(site, injection.part):
            return Proof(False, f"{injection.part.name} has no such injection point")
        wrong = site.wrongly_counted()
        if wrong is None:
            _want_job(site)
            return Proof(None, "every post that was looked at says how many like it")
        return Proof(True, f"post {wrong.post} says that {wrong.said} like it, and {wrong.right} do")

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        gone = super().verify_reverted(site, injection)
        wrong = site.wrongly_counted()
        if not gone.verdict or wrong is None:
            return gone
        _want_job(site)
        return Proof(False, f"{gone.evidence}, and post {wrong.post} still says that {wrong.said} like it")


def _want_job(site: Site) -> None:
    """It is done at once when the fault begins and when it ends, and may have failed."""
    now = maintenance_now(site)
    if now is not None and now.lead is not None:
        want(site, now, "reconcile-counters")


register(CountersWrong())
