"""scrape-slow: a part answers scrapes late, perhaps later than Prometheus waits for them."""

from chaos.fault import Demonstration, Harmless, Injection, Parameter, Proof, register
from chaos.faults.instruments.scrape_fault import ScrapeFault, scrape
from testbed.site import Site


class ScrapeSlow(ScrapeFault):
    name = "scrape-slow"
    help = (
        "Answer scrapes of a part's metrics late, while it serves its users as ever. What comes after "
        "Prometheus' time-out (900 ms) is lost, as if the part were down."
    )
    example = "failwhale chaos scrape-slow timeline:all --delay 850ms --for 30s"
    parameters = (
        Parameter(
            "delay",
            "duration",
            "How late an answer to a scrape is.",
            default=2.0,
            low=0.1,
            high=30,
            dial=(0.2, 5),
        ),
    )
    harmless = (Harmless("retweet:any", {"delay": 0.2}),)
    demonstration = Demonstration("retweet:all")

    def verify(self, site: Site, injection: Injection) -> Proof:
        name, scraped = injection.part.name, scrape(site, injection.part)
        if scraped.status is None:
            return Proof(True, f"{name} has not answered a scrape for {scraped.seconds:.2g} s")
        late = scraped.seconds >= float(str(injection.parameters["delay"]))
        return Proof(late, f"{name} answers a scrape after {scraped.seconds:.2g} s")


register(ScrapeSlow())
