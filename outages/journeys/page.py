"""Anybody opens the page."""

from outages.cast import Cast
from outages.client import Failed
from outages.journeys.journey import Journey
from outages.visit import Visit

MARKER = b"failwhale"


async def attempt(visit: Visit, cast: Cast) -> None:
    answer = await visit.ask("GET", "/")
    answer.expect(200)
    if MARKER not in answer.body:
        raise Failed("wrong-content", f"a page without {MARKER.decode()!r}: {answer.body[:60]!r}")


JOURNEY = Journey("page", attempt, needs_cast=False)
