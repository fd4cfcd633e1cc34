"""Do health checks say no of who cannot serve?"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from drills.finding import Defect, Question
from testbed.control import Unreachable
from testbed.inventory import Part
from testbed.site import Site

PATIENCE = 1.0
"""Seconds for a request of our own."""
LOOKS = 2
"""A part that says yes and serves nothing does so each time; one that starts, or ends, does not."""


def ask(site: Site) -> Iterator[Defect]:
    services = [part for part in site.inventory.parts if part.kind == "service"]
    with ThreadPoolExecutor(len(services)) as together:
        for part, lie in zip(services, together.map(lambda one: _lie(site, one), services), strict=True):
            if lie:
                yield Defect(
                    f"{part.name} is ready by its health check, and {lie}",
                    f"failwhale ops restart {part.name}",
                )


def _lie(site: Site, part: Part) -> str:
    """What a part does to a request while it says that it is ready; empty when it serves it, or says no."""
    seen = ""
    for _ in range(LOOKS):
        seen = _unserved(site, part) if site.ready(part) else ""
        if not seen:
            break
    return seen


def _unserved(site: Site, part: Part) -> str:
    # What a front end answers by itself, and what any other answers without asking anybody: no such post.
    path = "/docs" if part.service == "frontend" else "/api/v1/posts/0"
    try:
        answer = site.entrance(part, PATIENCE).ask("GET", path, headers=site.signed_in(part, 1))
    except Unreachable as unreachable:
        return f"serves nothing: {unreachable}"
    return f"answers {answer.status}" if answer.status >= 500 else ""


HEALTH_CHECKS = Question("health checks", "who says that it is ready serves", ask)
