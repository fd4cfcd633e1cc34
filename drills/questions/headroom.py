"""Could what is left carry all the traffic when one data centre is gone?"""

from __future__ import annotations

from collections.abc import Iterator

from drills.finding import Defect, Question
from foundation.failure import Failure
from outages.prometheus import Prometheus
from testbed.inventory import Part
from testbed.site import Site

MOST = 0.8
"""Of the one processor that a part can use."""
QUERY = "sum by (part) (rate(process_cpu_seconds_total[30s]))"


def ask(site: Site) -> Iterator[Defect]:
    used = {labels.get("part"): share for labels, share in Prometheus.of(site.state).now(QUERY)}
    services: dict[str, list[Part]] = {}
    for part in site.inventory.parts:
        if part.kind == "service":
            services.setdefault(part.service, []).append(part)
    for service, parts in services.items():
        all_of_it = sum(used.get(part.name, 0.0) for part in parts)
        if all_of_it > MOST:
            yield Defect(
                f"one {service} would need {all_of_it:.0%} of a processor for what two do now",
                "failwhale load --help: fewer users",
            )
    # A rate takes two looks. What was not looked at uses nothing only in the answer.
    unseen = [part.name for parts in services.values() for part in parts if part.name not in used]
    if unseen:
        raise Failure(
            f"Prometheus does not know yet, or any more, what {', '.join(unseen)} uses", "failwhale status"
        )


HEADROOM = Question("room for all on one side", f"no part would need {MOST:.0%} of its processor", ask)
