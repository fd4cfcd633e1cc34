"""alert-silenced: the rule of an alert is taken out of the running Prometheus. It never fires again."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Injection, Parameter, Proof, Value, register
from chaos.faults.instruments.rules_fault import PROMETHEUS, RulesFault
from foundation.failure import USAGE, Failure
from testbed.control import Unreachable
from testbed.inventory import Part
from testbed.site import Site


class AlertSilenced(RulesFault):
    name = "alert-silenced"
    help = (
        "Take the rule of an alert out of the running Prometheus. Nobody feels it, and whatever users feel "
        "then, this alert does not fire: failwhale score tells what was missed."
    )
    example = "failwhale chaos alert-silenced prometheus --alert JourneyDown --for 1m --detach"
    restored = "has its rules again"
    parameters = (Parameter("alert", "text", "Which alert.", default="JourneyDown"),)
    demonstration = Demonstration(PROMETHEUS)
    precedent = "Equifax, 2017: what should have seen the intruders had been off for 19 months"

    def refuse_misfit(self, site: Site, part: Part, parameters: Mapping[str, Value]) -> None:
        try:
            known = site.evaluated_alerts(part)
        except Unreachable:
            return  # which `precondition` says
        if parameters["alert"] not in known:
            raise Failure(f"no alert is named {parameters['alert']!r}", f"alerts: {', '.join(known)}", USAGE)

    def change(self, site: Site, injection: Injection) -> None:
        site.alert_rules.take_out(str(injection.parameters["alert"]))

    def restore(self, site: Site) -> None:
        site.alert_rules.put_back()

    def verify(self, site: Site, injection: Injection) -> Proof:
        evaluated, alert = site.evaluated_alerts(injection.part), injection.parameters["alert"]
        if alert in evaluated:
            return Proof(False, f"Prometheus evaluates the rule of {alert}: it is {evaluated[str(alert)]}")
        return Proof(True, f"Prometheus evaluates {len(evaluated)} alerts, and {alert} is none of them")

    def is_restored(self, evaluated: Mapping[str, str], injection: Injection) -> bool:
        return injection.parameters["alert"] in evaluated

    def leftover(self, site: Site, part: Part) -> str:
        is_left = part.service == PROMETHEUS and site.alert_rules.is_incomplete
        return "had a rule taken out" if is_left else ""


register(AlertSilenced())
