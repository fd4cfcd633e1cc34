"""restore-alerts: Prometheus goes by the rules again that it began with."""

from __future__ import annotations

from foundation.failure import Failure
from operations.operation import Operation, Order, register
from operations.waiting import comes_true, not_in_time
from testbed.control import Unreachable
from testbed.inventory import Part
from testbed.site import Site

READ_WITHIN = 10.0
SERVICE = "prometheus"


class RestoreAlerts(Operation):
    name = "restore-alerts"
    help = (
        "Have Prometheus go by its own rules again. Alerts that were taken out are watched, and those that "
        "were added are gone."
    )
    example = "failwhale ops restore-alerts"

    def parts(self, site: Site, target: str) -> tuple[Part, ...]:
        return (prometheus_of(site),)

    def carry_out(self, order: Order) -> str:
        rules = order.site.alert_rules
        if not rules.is_incomplete and not rules.has_added:
            raise Failure("Prometheus goes by its own rules", "see: failwhale status")
        (prometheus,) = order.parts
        rules.put_back()
        rules.remove_added()
        order.site.runtime.reload(prometheus.name)
        own = rules.names()
        if not comes_true(lambda: alerts_of(order.site, prometheus) == own, READ_WITHIN):
            raise not_in_time(
                f"Prometheus does not evaluate its {len(own)} alerts",
                READ_WITHIN,
                f"failwhale ops restart {prometheus.name}",
            )
        return f"Prometheus evaluates its {len(own)} alerts"


def prometheus_of(site: Site) -> Part:
    """Raises Failure where the site has none."""
    found = next((part for part in site.inventory.parts if part.service == SERVICE), None)
    if found is None:
        raise Failure("this site has no Prometheus", "see: failwhale up --help")
    return found


def alerts_of(site: Site, prometheus: Part) -> set[str]:
    """The alerts that it evaluates; none while it does not answer."""
    try:
        return set(site.evaluated_alerts(prometheus))
    except Unreachable:
        return set()


register(RestoreAlerts())
