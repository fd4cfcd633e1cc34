"""Are enough sentinels left to promote somebody, whichever data centre is lost?"""

from __future__ import annotations

from collections.abc import Iterator

from drills.finding import Defect, Question
from testbed.site import Site

NEXT_STEP = "failwhale ops restart sentinel:all"


def ask(site: Site) -> Iterator[Defect]:
    sentinels = [part for part in site.inventory.parts if part.kind == "sentinel"]
    needed = len(sentinels) // 2 + 1
    without_quorum = site.without_quorum()
    for part in sentinels:
        if part.name not in without_quorum:
            yield Defect(f"{part.name} does not answer", NEXT_STEP)
        elif without_quorum[part.name]:
            yield Defect(f"{part.name} reaches too few others", NEXT_STEP)
    for place in dict.fromkeys(store.place for store in site.stores):
        left = sum(part.place != place and part.name in without_quorum for part in sentinels)
        if left < needed:
            yield Defect(
                f"without {place} {left} of {len(sentinels)} votes are left, and it takes {needed}", NEXT_STEP
            )


VOTES = Question("votes for a promotion", "a majority is left without either data centre", ask)
