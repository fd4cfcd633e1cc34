"""failover: the replica of the store becomes the primary."""

from __future__ import annotations

from foundation.failure import Failure
from operations.operation import Operation, Order, register
from operations.waiting import comes_true
from testbed.inventory import Part
from testbed.site import Site

DONE_WITHIN = 15.0


class Failover(Operation):
    name = "failover"
    help = (
        "Have the sentinels promote the replica of the store, and make the old one its replica. While the "
        "old one answers, writes wait for about a second, and none is lost. What the replica does not have "
        "is lost where the old one does not answer, or the replica does not follow it."
    )
    example = "failwhale ops failover"

    def parts(self, site: Site, target: str) -> tuple[Part, ...]:
        return tuple(site.stores)

    def carry_out(self, order: Order) -> str:
        site = order.site
        roles = site.store_roles()
        replica = next((part for part in site.stores if roles.get(part.name) == "replica"), None)
        if replica is None:
            raise Failure("no replica of the store answers: nobody can be promoted", _see(site, roles))
        if site.is_barred(replica):
            raise Failure(f"{replica.name} is barred from promotion", f"failwhale ops unbar {replica.name}")
        is_planned = "primary" in roles.values()
        stands_still = is_planned and site.lags(replica)
        try:
            site.begin_switchover() if is_planned else site.ask_failover()
        except Failure as refusal:
            why = site.failover_hindrance()
            raise Failure(f"{refusal.message}{f': {why}' if why else ''}", _see(site, roles)) from None
        _wait(site, replica)
        if stands_still:
            site.let_go(replica)  # what kept it from following would keep it from writing, too
            return f"{replica.name} is the primary, and has what it had when it followed last"
        way = "in good order" if is_planned else "without the old primary, which does not answer"
        return f"{replica.name} is the primary, {way}"


def _wait(site: Site, promoted: Part) -> None:
    """Until there is one primary, to which all sentinels lead. Raises Failure."""
    if not comes_true(lambda: _is_done(site, promoted), DONE_WITHIN):
        why = site.failover_hindrance() or "nobody says why"
        raise Failure(
            f"{promoted.name} is not the primary after {DONE_WITHIN:g} s: {why}",
            "a sentinel that is down: failwhale ops start sentinel:all; see: failwhale status",
        )


def _is_done(site: Site, promoted: Part) -> bool:
    site.settle_switchover(promoted)
    roles = site.store_roles()
    one = list(roles.values()).count("primary") == 1 and roles.get(promoted.name) == "primary"
    return one and site.agreed_primary() == promoted


def _see(site: Site, roles: dict[str, str]) -> str:
    silent = next((part for part in site.stores if part.name not in roles), None)
    return f"failwhale ops start {silent.name}, or restart" if silent else "see: failwhale status"


register(Failover())
