"""Notifications in the store."""

from __future__ import annotations

from collections.abc import Sequence

from services.notify.models import Kind
from services.platform import keys
from services.platform.ids import created_at
from services.platform.json_text import compact_json
from services.platform.lua import fragment
from services.platform.store import Script, Store
from services.platform.visibility import MAY_SEE

_PACKAGE = "services.notify"
_DELIVER = Script(MAY_SEE + fragment(_PACKAGE, "deliver"))
_LIST = Script(fragment(_PACKAGE, "list"))
_UNREAD = Script(fragment(_PACKAGE, "unread"))
_MARK_READ = Script(fragment(_PACKAGE, "mark_read"))


class Inbox:
    """What can be done with notifications. Every method raises the store's problems as well."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def deliver(
        self, event: int, kind: Kind, actor: int, name: str, post: str, accounts: Sequence[str]
    ) -> None:
        """Notify these accounts, but not the actor, of an event; an empty `post` is none. Idempotent."""
        args = (event, kind, actor, compact_json(name), post, created_at(event), *accounts)
        await self._store.write(_DELIVER, (), args, repeatable=True, replicate=False)

    async def page(self, account: int, limit: int, before: str) -> bytes:
        """A page as finished JSON, of what is older than the id `before` unless that is empty."""
        page: bytes = await self._store.read(_LIST, (), (account, limit, before))
        return page

    async def unread(self, account: int) -> int:
        """How many are not read."""
        return int(await self._store.read(_UNREAD, (), (account,)))

    async def mark_read(self, account: int, up_to: str) -> None:
        """All up to this id are read."""
        await self._store.write(_MARK_READ, (), (account, up_to), repeatable=True)

    async def newest(self, account: int) -> int:
        """The id of the newest notification; 0 when there is none."""
        found = await self._store.query("ZREVRANGE", keys.notifications(account), 0, 0, "WITHSCORES")
        return int(found[1]) if found else 0

    async def since(self, account: int, identifier: int, most: int) -> list[bytes]:
        """The JSON of what came after an id, the oldest first, but no more than the newest `most`."""
        bounds = ("+inf", f"({identifier}", "LIMIT", 0, most)
        found: list[bytes] = await self._store.query("ZREVRANGEBYSCORE", keys.notifications(account), *bounds)
        return found[::-1]
