"""Retweets in the store: each change is one script, which writes and appends its event in one transaction."""

from __future__ import annotations

from services.platform.events.log import append_lua
from services.platform.identity import User
from services.platform.json_text import compact_json
from services.platform.lua import fragment
from services.platform.problems import Problem
from services.platform.store import Script, Store
from services.platform.timeline_entries import OWN_TIMELINES
from services.platform.visibility import MAY_SEE, unknown_post
from services.platform.worker_ids import WorkerIds
from services.retweet.models import Retweets

_PACKAGE = "services.retweet"
_RETWEET = Script(append_lua() + MAY_SEE + OWN_TIMELINES + fragment(_PACKAGE, "retweet"))
_UNDO = Script(append_lua() + MAY_SEE + OWN_TIMELINES + fragment(_PACKAGE, "undo"))
_COUNT = Script(MAY_SEE + fragment(_PACKAGE, "count"))


class Retweeting:
    """What can be done with retweets. Every method raises the store's problems as well."""

    def __init__(self, store: Store, ids: WorkerIds) -> None:
        self._store = store
        self._ids = ids

    async def retweet(self, post: str, viewer: User) -> Retweets:
        """Retweet a post; twice changes nothing. Raises Problem 404, or 403 for another's protected post."""
        args = (post, viewer.id, compact_json(viewer.name), await self._ids.next())
        outcome, *count = (await self._store.write(_RETWEET, (), args, repeatable=True)).value
        if outcome == b"unknown":
            raise unknown_post()
        if outcome == b"protected":
            raise Problem(403, "protected-post", "Posts of protected accounts cannot be retweeted")
        return Retweets(count=int(count[0]), retweeted=True)

    async def undo(self, post: str, viewer: User) -> None:
        """Undo a retweet; without one nothing changes. Raises Problem 404."""
        args = (post, viewer.id, await self._ids.next())
        if not (await self._store.write(_UNDO, (), args, repeatable=True)).value:
            raise unknown_post()

    async def count(self, post: str, viewer: User | None) -> Retweets:
        """How often a post was retweeted. Raises Problem 404."""
        found = await self._store.read(_COUNT, (), (post, viewer.id if viewer else ""))
        if found is None:
            raise unknown_post()
        return Retweets(count=int(found[0]), retweeted=bool(found[1]))
