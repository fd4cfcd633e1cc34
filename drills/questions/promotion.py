"""Would a replica be promoted if the primary died now?"""

from __future__ import annotations

from collections.abc import Iterator

from drills.finding import Defect, Question
from testbed.site import Site


def ask(site: Site) -> Iterator[Defect]:
    hindrance = site.failover_hindrance()
    if not hindrance:
        return
    barred = [part.name for part in site.stores if site.is_barred(part)]
    yield Defect(
        hindrance, f"failwhale ops unbar {barred[0]}" if barred else "failwhale ops re-attach store:replica"
    )


PROMOTION = Question("a replica to promote", "the sentinels would promote it", ask)
