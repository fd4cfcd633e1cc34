"""Whether a server may take writes that no replica has: only while it is certainly the primary."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from services.platform.settings import Address
from services.platform.store.connection import StoreConnection

LEASE_SECONDS = 0.1
"""How long the word of the sentinels is good for. Half of what a write waits for a replica, so what was said
before a write was sent never speaks for it once that wait was in vain; and long enough that sentinels are not
asked for each write while there is no replica."""


class Confirmation:
    """The word of a majority of the sentinels that a server is still the primary, asked for when needed.

    A primary that was cut off from its replica is perhaps cut off from the sentinels as well; then the other
    side promotes the replica, and whatever this one alone has is lost when it comes back. A dead replica is
    no such case: the sentinels are there and say so.
    """

    def __init__(self, elected: Callable[[], Awaitable[Address | None]]) -> None:
        """`elected` asks the sentinels which server a majority of them takes for the primary."""
        self._elected = elected
        self._connection: StoreConnection | None = None
        self._good_until = 0.0

    async def of(self, connection: StoreConnection) -> bool:
        """Whether the server at the other end is the primary, or was a moment ago. One to a server that
        was replaced is closed."""
        loop = asyncio.get_running_loop()
        if connection is self._connection and loop.time() < self._good_until:
            return True
        asked_at = loop.time()
        elected = await self._elected()
        confirmed = elected == connection.address
        if elected is not None and not confirmed:
            connection.close("another server was promoted")
        self._connection, self._good_until = connection, asked_at + LEASE_SECONDS if confirmed else 0.0
        return confirmed
