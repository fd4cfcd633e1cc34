"""Somebody reads the latest acknowledged post, at the edge that did not take it."""

from outages.cast import Cast
from outages.failures import Failed
from outages.journeys.journey import Journey
from outages.visit import AttemptLeftOut, Visit


async def attempt(visit: Visit, cast: Cast) -> None:
    wanted = cast.latest
    if wanted is None:
        raise AttemptLeftOut("nothing was posted yet")
    other = next((edge for edge in visit.edges if edge.name != wanted.edge), visit.edges[0])
    answer = await visit.ask("GET", f"/posts/{wanted.id}", cast["reader"], edge=other)
    if answer.status == 404:
        how = "was acknowledged" if wanted.replicated else "was acknowledged as not replicated"
        raise Failed("wrong-content", f"post {wanted.id} is not there; it {how}")
    if answer.expect(200).json().get("text") != wanted.text:
        raise Failed("wrong-content", f"post {wanted.id} has another text: {answer.body[:120]!r}")


JOURNEY = Journey("read-back", attempt)
