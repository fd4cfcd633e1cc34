"""Anybody opens the page."""

from outages.cast import Cast
from outages.failures import Failed
from outages.journeys.journey import Journey
from outages.visit import Visit

MARKER, END = "failwhale", "</html>"


async def attempt(visit: Visit, cast: Cast) -> None:
    answer = (await visit.ask("GET", "/")).expect(200)
    if not answer.content_type.startswith("text/html"):
        kind = answer.content_type or "unknown"
        raise Failed("wrong-content", f"a page of type {kind}, which a browser shows as text")
    try:
        page = answer.body.decode().rstrip()
    except UnicodeDecodeError as error:
        raise Failed("wrong-content", f"a page that is no text: {error}") from None
    if MARKER not in page:
        raise Failed("wrong-content", f"a page without {MARKER!r}: {page[:60]!r}")
    if not page.endswith(END):
        raise Failed("wrong-content", f"a page that breaks off: {page[-60:]!r}")


JOURNEY = Journey("page", attempt, needs_cast=False)
