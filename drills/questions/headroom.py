"""Could what is left carry all the traffic when one data centre is gone?"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator

from drills.finding import Defect, Question
from foundation.console import spell_names
from foundation.failure import Failure
from outages.prometheus import Prometheus
from testbed.inventory import Part
from testbed.site import Site

MOST = 0.8
"""Of the one processor that a part can use."""
SEEN_WITHIN = 5.0
"""Seconds for Prometheus to have seen all parts."""
LOOK_EVERY = 0.2
QUERY = "sum by (part) (rate(process_cpu_seconds_total[30s]))"


def ask(site: Site) -> Iterator[Defect]:
    services: dict[str, list[Part]] = {}
    for part in site.inventory.parts:
        if part.kind == "service":
            services.setdefault(part.service, []).append(part)
    used = _used(site, {part.name for parts in services.values() for part in parts})
    for service, parts in services.items():
        all_of_it = sum(used.get(part.name, 0.0) for part in parts)
        if all_of_it > MOST:
            yield Defect(
                f"one {service} would need {all_of_it:.0%} of a processor for what two do now",
                "failwhale load --help: fewer users",
            )
    # What was not looked at uses nothing only in the answer.
    if unseen := [part.name for parts in services.values() for part in parts if part.name not in used]:
        who = spell_names(unseen, f"{len(unseen)} parts")
        raise Failure(f"Prometheus does not say (yet) how busy they are: {who}", "failwhale status")


def _used(site: Site, parts: Collection[str]) -> dict[str, float]:
    """The share of a processor that each part uses, as far as it is known. A rate takes two looks, which a
    site that has just come up has not had: for a while that is waited for."""
    prometheus = Prometheus.of(site.state)
    give_up = time.monotonic() + SEEN_WITHIN
    while True:
        used = {labels.get("part", ""): share for labels, share in prometheus.now(QUERY)}
        if used.keys() >= set(parts) or time.monotonic() > give_up:
            return used
        time.sleep(LOOK_EVERY)


HEADROOM = Question("room for all on one side", f"no part would need {MOST:.0%} of its processor", ask)
