"""metrics-down: a part serves its users and cannot be scraped. The monitoring takes it for dead."""

from chaos.fault import Demonstration, Injection, Proof, register
from chaos.faults.instruments.scrape_fault import ScrapeFault, scrape
from testbed.site import Site

REFUSED = 503


class MetricsDown(ScrapeFault):
    name = "metrics-down"
    help = (
        "Refuse scrapes of a part's metrics, while it serves its users as ever. PartDown fires for what is "
        "well; with the metrics of the prober the monitoring loses every journey."
    )
    example = "failwhale chaos metrics-down prober --for 30s"
    demonstration = Demonstration("post:all")
    precedent = "Roblox, October 2021: what watched the site was down with what it was to watch"

    def verify(self, site: Site, injection: Injection) -> Proof:
        status = scrape(site, injection.part).status
        return Proof(status == REFUSED, f"{injection.part.name} answers a scrape with {status}")


register(MetricsDown())
