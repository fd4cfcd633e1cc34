"""What one session has written and seen, which its later reads of the same must show."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

_POSTS_KEPT = 20
_PEOPLE_KEPT = 20


class Session:
    """The memory of one session. What it does not remember it does not miss."""

    def __init__(self) -> None:
        self.written: deque[str] = deque(maxlen=_POSTS_KEPT)
        """Ids of the posts that were acknowledged."""
        self.changed: tuple[str, str] | None = None
        """What was changed last, and not taken back: the kind of change, and what it is about."""
        self._seen: dict[str, list[str]] = {}

    def forget(self, post: str) -> None:
        """What was missed once is not missed again."""
        if post in self.written:
            self.written.remove(post)

    def seen_of(self, name: str) -> list[str]:
        """Posts that the last look at somebody's timeline showed."""
        return self._seen.get(name, [])

    def see(self, name: str, page: Any) -> None:
        """Remember the first page of somebody's timeline."""
        self._seen.pop(name, None)
        self._seen[name] = [item["id"] for item in page["items"] if not item.get("retweeted_by")]
        if len(self._seen) > _PEOPLE_KEPT:
            del self._seen[next(iter(self._seen))]


def missing_from(page: Any, posts: Iterable[str]) -> list[str]:
    """Which of these posts the first page of a timeline should show and does not.

    A post stands at its id or, retweeted, above it: so it may be on a later page only where nothing on
    this one, as it was posted, is older. The place of a retweet is not told.
    """
    shown = {item["id"] for item in page["items"]}
    places = [int(item["id"]) for item in page["items"] if not item.get("retweeted_by")]
    lowest = min(places, default=None)
    is_all = page["next"] is None
    return [
        post
        for post in posts
        if post not in shown and (is_all or (lowest is not None and int(post) > lowest))
    ]
