"""A protected account's post is hidden from a stranger and shown to an approved follower."""

from outages.cast import Cast
from outages.client import Answer, Failed
from outages.journeys.journey import Journey
from outages.visit import Visit


async def attempt(visit: Visit, cast: Cast) -> None:
    stranger, hermit, canary = cast["stranger"], cast["hermit"], cast.canary
    hidden = await visit.ask("GET", f"/posts/{canary}", stranger)
    _must_not_show(hidden, canary, "the post")
    listed = await visit.ask("GET", f"/timelines/users/{hermit.name}", stranger)
    _must_not_show(listed, canary, "the account's timeline")
    shown = await visit.ask("GET", f"/posts/{canary}", cast["confidant"])
    if shown.status in (403, 404):
        raise Failed("wrong-content", f"an approved follower is not shown the post ({shown.status})")
    if shown.expect(200).json().get("id") != canary:
        raise Failed("wrong-content", f"another post: {shown.body[:120]!r}")


def _must_not_show(answer: Answer, canary: str, where: str) -> None:
    if canary.encode() in answer.body and answer.status == 200:
        raise Failed("wrong-content", f"leak: {where} is shown to a stranger")
    answer.expect(200, 403, 404)


JOURNEY = Journey("privacy", attempt)
