"""alerts-to-nobody: alerts fire, and who should be paged is not there any more."""

from collections.abc import Mapping, Sequence

from chaos.fault import Demonstration, Injection, Proof, register
from chaos.faults.instruments.scrape_fault import PROBER, ScrapeFault
from testbed.site import Site

WAYS: Mapping[str, Mapping[str, object] | Sequence[object]] = {"/api/v2/alerts": [], "/pages": {"alerts": []}}
"""Where Prometheus and the Alertmanager tell the prober, each with what tells of no alert."""
GONE = 404


class AlertsToNobody(ScrapeFault):
    name = "alerts-to-nobody"
    help = (
        "Refuse to be told of alerts, as a receiver does that was removed. They fire, and nobody is paged: "
        "failwhale score tells for how many outages. The Alertmanager tries on and on, and who comes back is "
        "paged for what still goes on."
    )
    example = "failwhale chaos alerts-to-nobody prober --for 1m --detach"
    targets = (PROBER,)
    demonstration = Demonstration(PROBER)
    precedent = (
        "GitLab, January 2017: the mails that told of failed backups were refused, and nobody read them"
    )

    def verify(self, site: Site, injection: Injection) -> Proof:
        """By telling it of no alert."""
        prober = site.control(injection.part)
        answers = {prober.ask("POST", path, nothing).status for path, nothing in WAYS.items()}
        told = ", ".join(map(str, sorted(answers)))
        return Proof(answers == {GONE}, f"who tells the prober of alerts is answered with {told}")


register(AlertsToNobody())
