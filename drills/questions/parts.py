"""Is everything there of which there are two?"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from drills.finding import Defect, Question
from testbed.site import Site


def ask(site: Site) -> Iterator[Defect]:
    """Of stores and sentinels other questions ask, and of certificates."""
    doubled = [part for part in site.inventory.parts if part.kind in ("service", "link")]
    with ThreadPoolExecutor(len(doubled)) as together:
        ready = list(together.map(site.ready, doubled))
    for part in (part for part, is_ready in zip(doubled, ready, strict=True) if not is_ready):
        shown = site.presented_certificate(part) if part.kind == "service" else None
        if shown is None or shown.flaw is None:
            yield Defect(f"{part.name} is not ready", f"failwhale ops restart {part.name}")


PARTS = Question("every part has its twin", "all are ready", ask)
