"""Timelines and the follow graph in the store: each change is one script, its event in the transaction."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Literal, TypeVar

from services.platform import keys
from services.platform.events.log import append_lua
from services.platform.identity import User
from services.platform.injection.contents import is_hit_by
from services.platform.json_text import compact_json
from services.platform.lua import fragment
from services.platform.problems import Problem
from services.platform.store import Script, Store
from services.platform.timeline_entries import KEPT
from services.platform.visibility import MAY_SEE
from services.platform.worker_ids import WorkerIds
from services.timeline.models import ImportedGraph, ImportedPosts, Place, WarmedHomes

_PACKAGE = "services.timeline"
_PAGE = MAY_SEE + fragment(_PACKAGE, "page")
_GRAPH = KEPT + fragment(_PACKAGE, "graph")
_HOME = Script(_PAGE + fragment(_PACKAGE, "home"))
_USER = Script(_PAGE + fragment(_PACKAGE, "user"))
_PROFILE = Script(fragment(_PACKAGE, "profile"))
_PEOPLE = Script(MAY_SEE + fragment(_PACKAGE, "people"))
_SUGGESTIONS = Script(fragment(_PACKAGE, "suggestions"))
_FOLLOW = Script(append_lua() + _GRAPH + fragment(_PACKAGE, "follow"))
_UNFOLLOW = Script(append_lua() + _GRAPH + fragment(_PACKAGE, "unfollow"))
_DECIDE = Script(append_lua() + _GRAPH + fragment(_PACKAGE, "decide"))
_FAN_OUT = Script(KEPT + fragment(_PACKAGE, "fan_out"))
_WARM = Script(KEPT + fragment(_PACKAGE, "warm"))
_IMPORT_GRAPH = Script(_GRAPH + fragment(_PACKAGE, "import_graph"))
_IMPORT_POSTS = Script(_GRAPH + fragment(_PACKAGE, "import_posts"))

FOLLOWERS_AT_ONCE = 200
"""Homes that one call of the fan-out script fills: about 0.3 ms in which the store does nothing else."""

WARMED_AT_ONCE = 50
"""Keys that one call of the warming script looks at; of an account among them the home is filled."""

_EMPTY = b'{"items":[],"next":null}'
"""What a bad fallback says of a timeline."""

_FOLLOWED_AT_ONCE = 1000
_POSTS_AT_ONCE = 100

_T = TypeVar("_T")


def unknown_account() -> Problem:
    """The 404 problem for an account that is not there, or does not show this to the viewer."""
    return Problem(404, "unknown-account", "There is no such account, or it shows this to its followers only")


class Timelines:
    """What can be done with timelines and the graph. Every method raises the store's problems as well."""

    def __init__(self, store: Store, ids: WorkerIds, celebrity_followers: int) -> None:
        """`celebrity_followers`: with so many, an account is merged at read instead of being fanned out."""
        self._store = store
        self._ids = ids
        self._celebrity_followers = celebrity_followers

    async def home(self, viewer: int, limit: int, place: Place) -> bytes:
        """A page of a home timeline as finished JSON."""
        if is_hit_by("timelines-empty"):
            return _EMPTY
        page: bytes = await self._store.read(_HOME, (), (viewer, limit, *place))
        return page

    async def of_user(self, handle: str, viewer: User | None, limit: int, place: Place) -> bytes:
        """A page of an account's own timeline as finished JSON. Raises Problem 404."""
        if is_hit_by("timelines-empty"):
            return _EMPTY
        if is_hit_by("privacy-leak"):
            owner = await self._store.query("GET", keys.handle(handle))
            viewer = User(int(owner), handle) if owner else viewer
        args = (viewer.id if viewer else "", limit, *place, handle.lower())
        return _found(await self._store.read(_USER, (), args))

    async def profile(self, handle: str, viewer: User | None) -> bytes:
        """An account as finished JSON. Raises Problem 404."""
        return _found(await self._store.read(_PROFILE, (), (handle.lower(), viewer.id if viewer else "")))

    async def people(
        self,
        which: Literal["followers", "following", "requests"],
        handle: str,
        viewer: User | None,
        limit: int,
        before: str,
    ) -> bytes:
        """A page of accounts as finished JSON; an empty handle is the viewer's own. Raises Problem 404."""
        args = (f"{which}:", handle.lower(), viewer.id if viewer else "", limit, before)
        return _found(await self._store.read(_PEOPLE, (), args))

    async def suggestions(self, viewer: User, limit: int) -> bytes:
        """Whom the viewer may want to follow, as finished JSON: the most followed first."""
        found: bytes = await self._store.read(_SUGGESTIONS, (), (viewer.id, limit))
        return found

    async def follow(self, viewer: User, handle: str) -> str:
        """Follow an account, or ask a protected one: `following` or `requested`. Raises Problem 404, 422."""
        args = (
            viewer.id,
            compact_json(viewer.name),
            handle.lower(),
            await self._ids.next(),
            self._celebrity_followers,
        )
        state: bytes = (await self._store.write(_FOLLOW, (), args, repeatable=True)).value
        if state == b"unknown":
            raise unknown_account()
        if state == b"self":
            raise Problem(422, "own-account", "Nobody can follow themselves")
        return state.decode()

    async def unfollow(self, viewer: User, handle: str) -> None:
        """Stop following an account, or asking it. Raises Problem 404."""
        await self._end(viewer, handle, "follower")

    async def remove_follower(self, viewer: User, handle: str) -> None:
        """End that an account follows the viewer, or its wish to. Raises Problem 404."""
        await self._end(viewer, handle, "followed")

    async def decide(self, viewer: User, handle: str, decision: Literal["approve", "deny"]) -> None:
        """Approve or deny a request to follow the viewer. Raises Problem 404."""
        args = (
            viewer.id,
            compact_json(viewer.name),
            handle.lower(),
            await self._ids.next(),
            decision,
            self._celebrity_followers,
        )
        if not (await self._store.write(_DECIDE, (), args, repeatable=True)).value:
            raise Problem(404, "unknown-request", "This account does not ask to follow you")

    async def is_celebrity(self, account: int) -> bool:
        return bool(await self._store.query("SISMEMBER", keys.CELEBRITIES, account))

    async def fan_out(self, author: int, member: str) -> None:
        """Bring an entry of the author's timeline into followers' homes, or take it out where it is gone."""
        followers: list[bytes] = await self._store.query("SMEMBERS", keys.followers(author))
        for some in _slices(followers, FOLLOWERS_AT_ONCE):
            await self._store.write(_FAN_OUT, (), (author, member, *some), repeatable=True, replicate=False)

    async def warm(self, warmed: WarmedHomes, seconds: float) -> WarmedHomes:
        """Go on to fill homes from the timelines of whom their owners follow, for about so long."""
        end = time.monotonic() + seconds
        while True:
            args = (warmed.cursor or 0, WARMED_AT_ONCE)
            step = await self._store.write(_WARM, (), args, repeatable=True, replicate=False)
            cursor, homes, lacking, entries = step.value
            warmed = WarmedHomes(
                cursor=int(cursor) or None,
                homes=warmed.homes + homes,
                lacking=warmed.lacking + lacking,
                entries=warmed.entries + entries,
            )
            if warmed.cursor is None or time.monotonic() > end:
                return warmed

    async def load(self, lines: Sequence[ImportedGraph | ImportedPosts]) -> None:
        """Load a graph and timelines in bulk; loading them twice changes nothing."""
        for line in lines:
            if isinstance(line, ImportedGraph):
                for followed in _slices(line.following, _FOLLOWED_AT_ONCE):
                    await self._load(_IMPORT_GRAPH, line.user, self._celebrity_followers, *followed)
            else:
                for posts in _slices(line.posts, _POSTS_AT_ONCE):
                    await self._load(_IMPORT_POSTS, line.author, *posts)

    async def _load(self, script: Script, *args: int) -> None:
        await self._store.write(script, (), args, repeatable=True, replicate=False)

    async def _end(self, viewer: User, handle: str, role: Literal["follower", "followed"]) -> None:
        args = (viewer.id, handle.lower(), await self._ids.next(), role)
        if not (await self._store.write(_UNFOLLOW, (), args, repeatable=True)).value:
            raise unknown_account()


def _found(json: bytes | None) -> bytes:
    if json is None:
        raise unknown_account()
    return json


def _slices(items: Sequence[_T], size: int) -> Iterator[Sequence[_T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
