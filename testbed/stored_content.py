"""What people have written, as the store has it: for proofs that need somebody who has something."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal, NamedTuple

from services.platform import keys
from testbed.stores import Stores

_KEYS_AT_A_TIME = "1000"
_LOOKED_AT = 20
"""Posts of which numbers are looked at."""


class ProtectedPost(NamedTuple):
    """A post that only followers may see."""

    id: str
    author: str
    """The handle."""


class WrongCount(NamedTuple):
    """How many people like a post, by its own word and by who they are."""

    post: str
    said: int
    right: int


class StoredContent(Stores):
    """Of one site. Nothing is found while no primary answers."""

    def accounts_with(self, what: Literal["posts", "notifications"]) -> Iterator[int]:
        """Accounts that have posted something, or were notified of something."""
        for key in self._keys(f"{what}:*"):
            yield int(key.rpartition(b":")[2])

    def has_account(self, handle: str) -> bool | None:
        """Whether somebody has this handle; None when no primary answers."""
        found = self._asked("EXISTS", keys.handle(handle))
        return None if found is None else bool(found)

    def protected_post(self) -> ProtectedPost | None:
        """One that there is; None when nobody who protects their posts has any."""
        for key in self._keys("account:*"):
            protected, name = self._asked("HMGET", key, "protected", "name") or (None, None)
            if protected == b"1" and name:
                account = key.rpartition(b":")[2].decode()
                for member in self._asked("ZREVRANGE", f"posts:{account}", "0", "-1") or ():
                    if b":" not in member:  # else somebody else's, retweeted
                        return ProtectedPost(member.decode(), name.decode())
        return None

    def wrongly_counted(self) -> WrongCount | None:
        """A post that does not say how many people like it; None when each of those looked at does."""
        for key in islice(self._keys("post:*"), _LOOKED_AT):
            said, imported = self._asked("HMGET", key, "likes", "imported-likes") or (None, None)
            identifier = key.rpartition(b":")[2].decode()
            counted = self._asked("SCARD", f"likes:{identifier}")
            if said is not None and counted is not None and int(said) != counted + int(imported or 0):
                return WrongCount(identifier, int(said), counted + int(imported or 0))
        return None

    def _keys(self, pattern: str) -> Iterator[bytes]:
        cursor = b"0"
        while True:
            found = self._asked("SCAN", cursor, "MATCH", pattern, "COUNT", _KEYS_AT_A_TIME)
            cursor, keys = found or (b"0", ())
            yield from keys
            if cursor == b"0":
                return

    def _asked(self, *command: str | bytes) -> Any:
        primary = self.primary
        return None if primary is None else self._redis_says(primary, *command)
