"""A post appears on a follower's home timeline, counted from its acknowledgement; creating it is `post`."""

from outages.cast import Cast
from outages.journeys.journey import DELIVERY_LIMIT, DELIVERY_SLOW, Journey
from outages.journeys.polling import pauses
from outages.visit import Visit


async def attempt(visit: Visit, cast: Cast) -> None:
    author, follower = cast["herald"], cast["follower"]
    await visit.arrive()  # the follower's way to the site is part of this journey, so it comes first
    with visit.precondition():
        body = {"text": cast.unique("Fresh from the sea.")}
        post = str((await visit.ask("POST", "/posts", author, body)).expect(201).json()["id"])
        visit.undo_later("DELETE", f"/posts/{post}", author)
    async for _ in pauses():
        answer = await visit.ask("GET", "/timelines/home?limit=20", follower)
        if any(item["id"] == post for item in answer.expect(200).json()["items"]):
            return


JOURNEY = Journey("freshness", attempt, limit=DELIVERY_LIMIT, slow=DELIVERY_SLOW)
