"""restore-alerts: Prometheus goes by the rules again that it began with, and no alert is silenced."""

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
        "Have Prometheus go by its own rules again. Alerts that were taken out are watched, those that were "
        "added are gone, and the Alertmanager silences none."
    )
    example = "failwhale ops restore-alerts"

    def parts(self, site: Site, target: str) -> tuple[Part, ...]:
        return (prometheus_of(site), *([site.alertmanager.part] if site.alertmanager else []))

    def carry_out(self, order: Order) -> str:
        rules = order.site.alert_rules
        ended = _end_silences(order.site)
        if rules.is_incomplete or rules.has_added:
            return f"{self._restore_rules(order)}{f'; {ended}' if ended else ''}"
        if not ended:
            raise Failure("Prometheus goes by its own rules, no alert is silenced", "see: failwhale status")
        return ended

    def _restore_rules(self, order: Order) -> str:
        rules, prometheus = order.site.alert_rules, order.parts[0]
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


def _end_silences(site: Site) -> str:
    """Returns what was done, in words; empty when no alert was silenced, or when nobody can be asked: what an
    Alertmanager that is down silences shall not be in the way of the rules."""
    alertmanager = site.alertmanager
    if alertmanager is None or not site.answers(alertmanager.part):
        return ""
    silences = alertmanager.silences()
    for silence in silences:
        alertmanager.end(silence)
    names = sorted({silence.alert or silence.id for silence in silences})
    return f"no longer silenced: {', '.join(names)}" if names else ""


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
