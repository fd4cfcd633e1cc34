"""Has the replica what the primary has?"""

from __future__ import annotations

from collections.abc import Iterator

from drills.finding import Defect, Question
from foundation.failure import Failure
from testbed.site import Site

RE_ATTACH = "failwhale ops re-attach store:replica"


def ask(site: Site) -> Iterator[Defect]:
    roles = site.store_roles()
    if list(roles.values()).count("primary") > 1:
        yield Defect(f"{' and '.join(roles)} both take writes", RE_ATTACH)
        return
    replicas = [part for part in site.stores if roles.get(part.name) == "replica"]
    if not replicas:
        raise Failure("no store says that it is a replica", "failwhale status")
    for part in replicas:
        if not site.ready(part):
            yield Defect(f"{part.name} does not follow the primary", RE_ATTACH)
        elif site.lags(part):
            behind = site.replication_lag().get(part.name, 0)
            yield Defect(f"{part.name} stands still, {behind:,} bytes behind", RE_ATTACH)


REPLICATION = Question("what would be lost", "the replica has what the primary has", ask)
