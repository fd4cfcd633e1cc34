"""alert-flood: harmless alerts fire all the time, and the real one drowns among them."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Injection, Parameter, Proof, register
from chaos.faults.instruments.rules_fault import PROMETHEUS, RulesFault
from testbed.inventory import Part
from testbed.site import Site

_PERIOD = 10
"""Seconds from one firing of an alert to the next. Half of the time it fires."""
_NAME = "ThresholdTooTight"


class AlertFlood(RulesFault):
    name = "alert-flood"
    help = (
        "Have Prometheus fire so many alerts for nothing, each of them again and again and each a page. "
        "Nobody feels it; the alert that means something is one of hundreds."
    )
    example = "failwhale chaos alert-flood prometheus --alerts 100 --for 5m --detach"
    restored = "is rid of alerts that mean nothing"
    parameters = (
        Parameter("alerts", "integer", "How many alerts.", default=50, low=10, high=200, dial=(10, 200)),
    )
    demonstration = Demonstration(PROMETHEUS)
    precedent = "Target, 2013: the alert of the intrusion was one of many, and was not followed"

    def change(self, site: Site, injection: Injection) -> None:
        site.alert_rules.add(
            [
                {
                    "alert": f"{_NAME}{number}",
                    "expr": f"vector((time() + {number}) % {_PERIOD}) < {_PERIOD // 2}",
                    "labels": {"severity": "page"},
                    "annotations": {"summary": "A threshold that is always passed was passed"},
                }
                for number in range(1, int(str(injection.parameters["alerts"])) + 1)
            ]
        )

    def restore(self, site: Site) -> None:
        site.alert_rules.remove_added()

    def verify(self, site: Site, injection: Injection) -> Proof:
        states = [
            state for name, state in site.evaluated_alerts(injection.part).items() if name.startswith(_NAME)
        ]
        firing = states.count("firing")
        return Proof(
            firing > 0 or None if states else False,
            f"{firing} of {len(states)} alerts that mean nothing are firing",
        )

    def is_restored(self, evaluated: Mapping[str, str], injection: Injection) -> bool:
        return not any(name.startswith(_NAME) for name in evaluated)

    def leftover(self, site: Site, part: Part) -> str:
        is_left = part.service == PROMETHEUS and site.alert_rules.has_added
        return "had alerts that mean nothing" if is_left else ""


register(AlertFlood())
