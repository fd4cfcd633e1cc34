"""journey-unwatched: somebody has taken a journey out of the monitoring, and nobody sees how it goes."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Injection, Parameter, Proof, Value, register
from chaos.faults.instruments.scrape_fault import PROBER, ScrapeFault, scrape
from chaos.journeys import JOURNEYS_OF
from foundation.failure import USAGE, Failure
from testbed.inventory import Part
from testbed.site import Site


class JourneyUnwatched(ScrapeFault):
    name = "journey-unwatched"
    help = (
        "Take one journey out of the prober's metrics. All others are watched, and no alert fires whatever "
        "becomes of this one; the ledger, by which the monitoring is scored, goes on."
    )
    example = "failwhale chaos journey-unwatched prober --journey notification --for 30s"
    targets = (PROBER,)
    parameters = (Parameter("journey", "text", "Which journey.", default="notification"),)
    demonstration = Demonstration(PROBER)

    def refuse_misfit(self, site: Site, part: Part, parameters: Mapping[str, Value]) -> None:
        journey, known = parameters["journey"], JOURNEYS_OF["frontend"]
        if journey not in known:
            raise Failure(f"no journey is named {journey!r}", f"journeys: {', '.join(known)}", USAGE)

    def verify(self, site: Site, injection: Injection) -> Proof:
        metrics, journey = scrape(site, injection.part).metrics, injection.parameters["journey"]
        watched = [one for one in JOURNEYS_OF["frontend"] if f'journey="{one}"' in metrics]
        if not watched:
            return Proof(None, "the prober's metrics tell of no journey")
        what = "and none of them is" if journey not in watched else "also of"
        return Proof(journey not in watched, f"the metrics tell of {len(watched)} journeys, {what} {journey}")


register(JourneyUnwatched())
