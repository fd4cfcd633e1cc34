"""A mention appears among the notifications, counted from its acknowledgement; creating it is `post`.

Only one person ever mentions who is asked here: mentions by others are somebody else's notifications.
"""

from outages.cast import Cast
from outages.failures import Failed
from outages.journeys.journey import DELIVERY_LIMIT, DELIVERY_SLOW, Journey
from outages.journeys.polling import pauses
from outages.visit import Visit


async def attempt(visit: Visit, cast: Cast) -> None:
    author, mentioned = cast["gossip"], cast["mentioned"]
    await visit.arrive()  # the way to the site of who is mentioned is part of this journey, so it comes first
    with visit.precondition():
        body = {"text": cast.unique(f"Have you heard, @{mentioned.name}?")}
        post = str((await visit.ask("POST", "/posts", author, body)).expect(201).json()["id"])
        visit.undo_later("DELETE", f"/posts/{post}", author)
    async for _ in pauses():
        answer = await visit.ask("GET", "/notifications?limit=20", mentioned)
        items = answer.expect(200).json()["items"]
        if any(item["kind"] == "mention" and item["actor"]["name"] != author.name for item in items):
            raise Failed("wrong-content", "notifications of somebody else")
        if any(item["kind"] == "mention" and item.get("post") == post for item in items):
            return


JOURNEY = Journey("notification", attempt, limit=DELIVERY_LIMIT, slow=DELIVERY_SLOW)
