"""Which of the parts leads: by a lease in the store, which another one takes over when it runs out."""

from __future__ import annotations

import time
from collections.abc import Callable

from services.platform.keys import MAINTENANCE_LEAD
from services.platform.lua import fragment
from services.platform.store import Script, Store

LEASE_SECONDS = 3.0
"""So long after the last word of a leader that died another one leads."""

_TAKE = Script(fragment("services.maintenance", "take_lead"))
_LEAVE = Script(fragment("services.maintenance", "leave_lead"))


class Lead:
    """The lease, as one part sees it. Its methods raise the store's problems."""

    def __init__(self, store: Store, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._name = name
        self._clock = clock
        self._until = 0.0
        self.holder = ""
        """Who led when somebody looked last; empty before that."""

    @property
    def is_ours(self) -> bool:
        """Whether this part leads for certain: counted from before the store was asked, so never for longer
        than the store keeps the lease."""
        return self._clock() < self._until

    async def take(self) -> None:
        """Take the lease if it is free, or take it anew if it is ours."""
        asked = self._clock()
        args = (self._name, int(LEASE_SECONDS * 1000))
        written = await self._store.write(_TAKE, (MAINTENANCE_LEAD,), args, repeatable=True, replicate=False)
        self.holder = written.value.decode()
        self._until = asked + LEASE_SECONDS if self.holder == self._name else 0.0

    async def leave(self) -> None:
        """Let another part lead at once."""
        self._until = 0.0
        await self._store.write(_LEAVE, (MAINTENANCE_LEAD,), (self._name,), repeatable=True, replicate=False)
