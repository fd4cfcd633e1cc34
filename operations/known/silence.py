"""silence: an alert does not fire any more."""

from __future__ import annotations

from foundation.failure import Failure
from foundation.suggestions import unknown
from operations.known.restore_alerts import READ_WITHIN, alerts_of, prometheus_of
from operations.operation import Operation, Order, register
from operations.waiting import comes_true, not_in_time
from testbed.inventory import Part
from testbed.site import Site


class Silence(Operation):
    name = "silence"
    help = (
        "Have an alert not fire any more: its rule is taken out of the running Prometheus, until "
        "failwhale ops restore-alerts, a restart of Prometheus, or a heal. What it tells of goes on."
    )
    example = "failwhale ops silence JourneySlow"
    target_help = "An alert, by its name"

    def parts(self, site: Site, target: str) -> tuple[Part, ...]:
        prometheus = prometheus_of(site)
        known = alerts_of(site, prometheus)
        if not known:
            raise Failure("Prometheus does not answer", f"failwhale ops restart {prometheus.name}")
        if target not in known:
            raise unknown("alert", target, sorted(known))
        return (prometheus,)

    def carry_out(self, order: Order) -> str:
        (prometheus,) = order.parts
        order.site.alert_rules.take_out(order.target)
        order.site.runtime.reload(prometheus.name)
        if not comes_true(lambda: order.target not in alerts_of(order.site, prometheus), READ_WITHIN):
            raise not_in_time(
                f"Prometheus goes on to evaluate {order.target}",
                READ_WITHIN,
                "see: failwhale logs prometheus",
            )
        return f"{order.target} does not fire any more; again: failwhale ops restore-alerts"


register(Silence())
