"""alerts-to-nobody: alerts fire, and who should be paged is not there any more."""

from chaos.fault import Demonstration, Injection, Proof, register
from chaos.faults.instruments.scrape_fault import PROBER, ScrapeFault
from testbed.site import Site

PAGES = "/api/v2/alerts"
GONE = 404


class AlertsToNobody(ScrapeFault):
    name = "alerts-to-nobody"
    help = (
        "Refuse what Prometheus reports of its alerts, as a receiver does that was removed. Alerts fire, and "
        "nobody is paged: failwhale score tells for how many outages."
    )
    example = "failwhale chaos alerts-to-nobody prober --for 1m --detach"
    targets = (PROBER,)
    demonstration = Demonstration(PROBER)
    precedent = (
        "GitLab, January 2017: the mails that told of failed backups were refused, and nobody read them"
    )

    def verify(self, site: Site, injection: Injection) -> Proof:
        """By a report of no alerts."""
        status = site.control(injection.part).ask("POST", PAGES, []).status
        return Proof(status == GONE, f"a report of alerts is answered with {status}")


register(AlertsToNobody())
