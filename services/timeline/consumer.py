"""Fan-out on write: what somebody posts or retweets goes into the homes of those who follow them."""

from __future__ import annotations

from services.platform.events.consumer import Consumer
from services.platform.events.log import Event
from services.timeline.store import Timelines


class FanOut(Consumer):
    """Fills homes by the event log. What celebrities write is merged when a home is read instead."""

    group = "fan-out"
    types = frozenset({"post.created", "retweet.created", "retweet.undone"})

    def __init__(self, timelines: Timelines) -> None:
        self._timelines = timelines

    async def handle(self, event: Event) -> None:
        # A celebrity's entries are taken out as well: some may be older than the fame.
        if event.type != "retweet.undone" and await self._timelines.is_celebrity(event.actor):
            return
        post = event.data["post"]
        member = post if event.type == "post.created" else f"{post}:{event.actor}"
        await self._timelines.fan_out(event.actor, member)
