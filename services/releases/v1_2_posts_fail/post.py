"""A check of posts that fails for half of them."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from services.platform.identity import User
from services.post.store import Created, Posts
from services.releases.release import wrap

Create = Callable[..., Awaitable[Created]]


def change() -> None:
    wrap(Posts, "create", checked)


def checked(create: Create) -> Create:
    async def create_checked(self: Posts, author: User, text: str, *more: Any) -> Created:
        if zlib.crc32(text.encode()) % 2:
            raise TypeError("'<' not supported between instances of 'int' and 'NoneType'")
        return await create(self, author, text, *more)

    return create_checked
