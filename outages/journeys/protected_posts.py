"""A protected account's post is hidden from a stranger and shown to an approved follower.

Who was removed as a follower had the post on the home timeline, and must not find it there any more. The
account becomes a celebrity (see fixture_upkeep), whose posts reach homes by another way.
"""

from outages.cast import Cast
from outages.client import PublicAnswer
from outages.failures import Failed
from outages.journeys.journey import Journey
from outages.visit import Visit


async def attempt(visit: Visit, cast: Cast) -> None:
    stranger, hermit, canary = cast["stranger"], cast["hermit"], cast.canary
    hidden = await visit.ask("GET", f"/posts/{canary}", stranger)
    _must_not_show(hidden, canary, "the post", "a stranger")
    listed = await visit.ask("GET", f"/timelines/users/{hermit.name}", stranger)
    _must_not_show(listed, canary, "the account's timeline", "a stranger")
    home = await visit.ask("GET", "/timelines/home?limit=100", cast["exile"])
    _must_not_show(home, canary, "a home timeline", "a follower who was removed")
    shown = await visit.ask("GET", f"/posts/{canary}", cast["confidant"])
    if shown.status in (403, 404):
        raise Failed("wrong-content", f"an approved follower is not shown the post ({shown.status})")
    if shown.expect(200).json().get("id") != canary:
        raise Failed("wrong-content", f"another post: {shown.body[:120]!r}")


def _must_not_show(answer: PublicAnswer, canary: str, where: str, whom: str) -> None:
    if canary.encode() in answer.body and answer.status == 200:
        raise Failed("wrong-content", f"leak: {where} is shown to {whom}")
    answer.expect(200, 403, 404)


JOURNEY = Journey("protected-posts", attempt)
