"""Posts in the store: each change is one script, which writes and appends its event in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from secrets import token_hex
from typing import NamedTuple

from services.platform import keys
from services.platform.events.log import append_lua
from services.platform.identity import User
from services.platform.ids import created_at
from services.platform.injection.contents import is_hit_by
from services.platform.json_text import compact_json
from services.platform.keys import KEY_KEPT_SECONDS
from services.platform.lua import fragment
from services.platform.problems import Problem
from services.platform.store import Script, Store
from services.platform.timeline_entries import OWN_TIMELINES
from services.platform.visibility import MAY_SEE, unknown_post
from services.platform.worker_ids import WorkerIds
from services.post.models import ImportedPost, Likes, mentioned_handles
from services.post.record import SERVED, body, head

_PACKAGE = "services.post"
_CREATE = Script(append_lua() + OWN_TIMELINES + SERVED + fragment(_PACKAGE, "create"))
_READ = Script(MAY_SEE + SERVED + fragment(_PACKAGE, "read"))
_DELETE = Script(append_lua() + MAY_SEE + OWN_TIMELINES + fragment(_PACKAGE, "delete"))
_LIKE = Script(append_lua() + MAY_SEE + fragment(_PACKAGE, "like"))
_UNLIKE = Script(append_lua() + MAY_SEE + fragment(_PACKAGE, "unlike"))
_LIKES = Script(MAY_SEE + fragment(_PACKAGE, "likes"))
_PROTECT = Script(fragment(_PACKAGE, "protect"))
_IMPORT = Script(fragment(_PACKAGE, "import"))

_CALL_SECONDS = 60
"""How long that of a call without one is kept: longer than any call goes on."""

_IMPORTED_AT_ONCE = 200
"""Posts in one call of the import script: about a millisecond in which the store does nothing else."""


class Created(NamedTuple):
    """A post as it is served (a JSON object), and whether a replica has it."""

    json: bytes
    replicated: bool


class Posts:
    """What can be done with posts. Every method raises the store's problems as well."""

    def __init__(self, store: Store, ids: WorkerIds) -> None:
        self._store = store
        self._ids = ids

    async def create(
        self,
        author: User,
        text: str,
        idempotency_key: str | None,
        key_seconds: int = KEY_KEPT_SECONDS,
    ) -> Created:
        """Create a post, or find the one that this author's idempotency key made; the key is kept for so many
        seconds.

        Raises Problem 422 when that one has another text, 410 when it was deleted since.
        """
        # Without a key this call has one of its own, so that the store knows it again after a lost answer.
        if idempotency_key is None:
            idempotency_key, key_seconds = token_hex(16), _CALL_SECONDS
        fingerprint = hashlib.sha256(text.encode()).hexdigest()[:32]
        mentioned = mentioned_handles(text)
        outcome = b"taken"
        while outcome == b"taken":
            identifier = await self._ids.next()
            args: tuple[str | int, ...] = (
                author.id,
                compact_json(author.name),
                identifier,
                head(identifier, author.id, author.name, text, created_at(identifier)),
                idempotency_key,
                key_seconds,
                fingerprint,
                *mentioned,
            )
            written = await self._store.write(_CREATE, (), args, repeatable=True)
            outcome = written.value[0]
        if outcome == b"other-text":
            raise Problem(
                422, "idempotency-key-reused", "This idempotency key was used for a post with another text"
            )
        if outcome == b"gone":
            raise Problem(410, "post-deleted", "The post that this idempotency key made was deleted since")
        return Created(written.value[1], written.replicated)

    async def read(self, identifier: str, viewer: User | None) -> bytes:
        """The post as it is served. Raises Problem 404."""
        if is_hit_by("privacy-leak"):
            author = await self._store.query("HGET", keys.post(int(identifier)), "author")
            viewer = User(int(author), "author") if author else viewer
        found: bytes | None = await self._store.read(_READ, (), (identifier, viewer.id if viewer else ""))
        if found is None:
            raise unknown_post()
        return found

    async def delete(self, identifier: str, viewer: User) -> None:
        """Delete one's own post; repeating it within ten minutes changes nothing. Raises Problem 404, 403."""
        args = (identifier, viewer.id, await self._ids.next())
        written = await self._store.write(_DELETE, (), args, repeatable=True)
        if written.value == b"unknown":
            raise unknown_post()
        if written.value == b"foreign":
            raise Problem(403, "not-your-post", "Only its author can delete a post")

    async def like(self, identifier: str, viewer: User) -> None:
        """Like a post; a second like changes nothing. Raises Problem 404."""
        args = (identifier, viewer.id, compact_json(viewer.name), await self._ids.next())
        if not (await self._store.write(_LIKE, (), args, repeatable=True)).value:
            raise unknown_post()

    async def unlike(self, identifier: str, viewer: User) -> None:
        """Take a like back; without one nothing changes. Raises Problem 404."""
        args = (identifier, viewer.id, await self._ids.next())
        if not (await self._store.write(_UNLIKE, (), args, repeatable=True)).value:
            raise unknown_post()

    async def protect(self, account: User, protected: bool) -> None:
        """Show the account's posts to approved followers only, or to everybody again. Raises Problem 503
        where no replica has it: posts that somebody believes to be hidden must not be shown again."""
        args = (account.id, int(protected))
        await self._store.write(_PROTECT, (), args, repeatable=True, required=True)

    async def likes(self, identifier: str, viewer: User | None) -> Likes:
        """How often a post is liked. Raises Problem 404."""
        found = await self._store.read(_LIKES, (), (identifier, viewer.id if viewer else ""))
        if found is None:
            raise unknown_post()
        return Likes(count=int(found[0]), liked=bool(found[1]))

    async def load(self, posts: Sequence[ImportedPost]) -> None:
        """Load posts in bulk; those that exist stay as they are."""
        for start in range(0, len(posts), _IMPORTED_AT_ONCE):
            args: list[str | int] = []
            for post in posts[start : start + _IMPORTED_AT_ONCE]:
                author = post.author
                stored = body(head(post.id, author.id, author.name, post.text, post.created), post.mentions)
                args += (post.id, author.id, stored, post.likes, post.retweets)
            await self._store.write(_IMPORT, (), args, repeatable=True, replicate=False)
