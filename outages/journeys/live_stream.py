"""A mention arrives on an event stream that was opened before it. Creating the mention is `post`."""

from outages.cast import Cast
from outages.journeys.journey import DELIVERY_LIMIT, DELIVERY_SLOW, Journey
from outages.visit import Visit


async def attempt(visit: Visit, cast: Cast) -> None:
    author, listener = cast["caller"], cast["listener"]
    stream = await visit.listen("/notifications/stream", listener)
    with visit.precondition():
        body = {"text": cast.unique(f"Ahoy, @{listener.name}!")}
        post = str((await visit.ask("POST", "/posts", author, body)).expect(201).json()["id"])
        visit.undo_later("DELETE", f"/posts/{post}", author)
    visit.step = "the event on the stream"
    async for event in stream.data("notification"):
        if event.get("kind") == "mention" and event.get("post") == post:
            return


JOURNEY = Journey("live-stream", attempt, limit=DELIVERY_LIMIT, slow=DELIVERY_SLOW)
