"""Somebody posts. What was acknowledged is what `read-back` reads."""

from outages.cast import AcknowledgedPost, Cast
from outages.failures import Failed
from outages.journeys.journey import Journey
from outages.visit import Visit


async def attempt(visit: Visit, cast: Cast) -> None:
    author = cast["poster"]
    text = cast.unique("The whale is fine.")
    answer = await visit.ask("POST", "/posts", author, {"text": text})
    post = answer.expect(201).json()
    if "id" in post:
        replicated = post.get("replicated") is not False
        cast.acknowledge(AcknowledgedPost(str(post["id"]), text, visit.edge, replicated))
        for old in cast.outdated():
            visit.undo_later("DELETE", f"/posts/{old.id}", author)
    if post.get("text") != text or post.get("author", {}).get("id") != author.id:
        raise Failed("wrong-content", f"another post than the one sent: {str(post)[:120]}")


JOURNEY = Journey("post", attempt)
