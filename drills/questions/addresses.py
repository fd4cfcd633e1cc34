"""Does the configuration name anybody who is not there?"""

from __future__ import annotations

from collections.abc import Iterator

from drills.finding import Defect, Question
from testbed.site import Site

PREFIX = "addresses."


def ask(site: Site) -> Iterator[Defect]:
    document = site.configuration.newest()
    for key, address in document.values.items():
        if not key.startswith(PREFIX) or not address:
            continue
        service, _, place = key.removeprefix(PREFIX).partition(".")
        if why := site.misses(str(address), site.inventory.part(f"{service}@{place}")):
            yield Defect(f"{key} is {address}, and {why}", f"failwhale config set {key} default")
    for name, held in site.configuration.held().items():
        if held is not None and held.refused:
            yield Defect(
                f"{name} refuses version {document.version}: {held.refused}", "failwhale config roll-back"
            )


ADDRESSES = Question("what the configuration names", "every address leads to whom it should", ask)
