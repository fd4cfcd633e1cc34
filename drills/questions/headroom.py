"""Could what is left carry all the traffic when one data centre is gone?"""

from __future__ import annotations

from collections.abc import Iterator

from drills.finding import Defect, Question
from outages.prometheus import Prometheus
from testbed.site import Site

MOST = 0.8
"""Of the one processor that a part can use."""
QUERY = "sum by (service) (rate(process_cpu_seconds_total[30s]))"


def ask(site: Site) -> Iterator[Defect]:
    services = {part.service for part in site.inventory.parts if part.kind == "service"}
    for labels, used in Prometheus.of(site.state).now(QUERY):
        if labels["service"] in services and used > MOST:
            yield Defect(
                f"one {labels['service']} would need {used:.0%} of a processor for what two do now",
                "failwhale load --help: fewer users",
            )


HEADROOM = Question("room for all on one side", f"no part would need {MOST:.0%} of its processor", ask)
