"""What happened to others' posts and followings, told to whom it concerns."""

from __future__ import annotations

from services.notify.models import Kind
from services.notify.store import Inbox
from services.platform.events.consumer import Consumer
from services.platform.events.log import Event

_CONCERNS: dict[str, tuple[Kind, str]] = {
    "post.created": ("mention", "mentions"),
    "post.liked": ("like", "author"),
    "retweet.created": ("retweet", "author"),
    "user.followed": ("follow", "user"),
    "follow.requested": ("follow-request", "user"),
}
"""Type of event to kind of notification, and the field of the event that says whom it concerns."""


class Notifier(Consumer):
    """Makes notifications from the event log."""

    group = "notifications"
    types = frozenset(_CONCERNS)

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def handle(self, event: Event) -> None:
        kind, field = _CONCERNS[event.type]
        concerned = event.data[field]
        accounts = concerned if isinstance(concerned, list) else [concerned]
        if accounts:
            name, post = event.data["name"], event.data.get("post", "")
            await self._inbox.deliver(event.id, kind, event.actor, name, post, accounts)
