"""acknowledge: somebody is at work on an alert, and nobody else is paged for it."""

from __future__ import annotations

from foundation.console import spell_duration
from foundation.failure import Failure
from foundation.suggestions import unknown
from foundation.user import user
from operations.known.restore_alerts import alerts_of, prometheus_of
from operations.operation import Operation, Order, Parameter, register
from operations.waiting import comes_true, not_in_time
from testbed.inventory import Part
from testbed.site import Site

IN_FORCE_WITHIN = 5.0


class Acknowledge(Operation):
    name = "acknowledge"
    help = (
        "Say that you are at work on an alert: the Alertmanager silences it, so that nobody is paged for it "
        "meanwhile. It goes on to fire, and the ledger says who has acknowledged the page, and when. "
        "failwhale ops restore-alerts ends it before its time."
    )
    example = 'failwhale ops acknowledge JourneyDown --reason "restarting retweet"'
    target_help = "An alert, by its name"
    parameters = (
        Parameter("hold", "duration", "How long nobody is paged for it (default 5m).", default=300.0),
    )

    def parts(self, site: Site, target: str) -> tuple[Part, ...]:
        if site.alertmanager is None:
            raise Failure(
                "this site has no Alertmanager, so a page cannot be acknowledged",
                f"have the alert not fire: failwhale ops silence {target}; or have an Alertmanager: "
                "sh dashboards/fetch.sh, failwhale down, failwhale up",
            )
        # Where Prometheus is down nobody knows the names, and the silence may be wanted all the same.
        known = alerts_of(site, prometheus_of(site))
        if known and target not in known:
            raise unknown("alert", target, sorted(known))
        return (site.alertmanager.part,)

    def carry_out(self, order: Order) -> str:
        alertmanager, seconds = order.site.alertmanager, float(order.given["hold"])
        assert alertmanager is not None  # or `parts` would have refused
        made = alertmanager.silence(order.target, seconds, user(), order.reason or "acknowledged")
        if not comes_true(lambda: made in {one.id for one in alertmanager.silences()}, IN_FORCE_WITHIN):
            raise not_in_time(
                f"the silence of {order.target} is not in force",
                IN_FORCE_WITHIN,
                f"see: failwhale logs {alertmanager.part.name}",
            )
        lasting = spell_duration(seconds)
        return f"nobody is paged for {order.target} for {lasting}; sooner: failwhale ops restore-alerts"


register(Acknowledge())
