"""Posts are read as their authors see them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from services.platform.identity import User
from services.post.store import Posts
from services.releases.release import wrap

Read = Callable[[Posts, str, User | None], Awaitable[bytes]]


def change() -> None:
    wrap(Posts, "read", read_as_its_author)


def read_as_its_author(read: Read) -> Read:
    async def read_for_all(self: Posts, identifier: str, viewer: User | None) -> bytes:
        author = await self._store.query("HGET", f"post:{identifier}", "author")
        return await read(self, identifier, User(int(author), "author") if author else viewer)

    return read_for_all
