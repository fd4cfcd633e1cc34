"""A connection that is opened on demand and again after it was lost, once for all who wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from services.platform.access import Access
from services.platform.injection.points import InjectionPoints
from services.platform.settings import Address
from services.platform.store.connection import NotSent, StoreConnection

PAUSE_SECONDS = 0.05
"""Between two attempts to open; a promotion takes about two seconds, so this adds little."""


class OnDemandConnection:
    """The way to a server that has a part (the primary, a replica), whichever it is at the time."""

    def __init__(
        self,
        find: Callable[[], Awaitable[Address]],
        patience: float,
        *,
        role: bytes | None = None,
        access: Access | None = None,
        on_open: Callable[[], None] | None = None,
        faults: InjectionPoints | None = None,
    ) -> None:
        """`find` names the server and raises NotSent; `patience`, `role`, `access` and `faults` as in
        StoreConnection.

        `on_open` is told each time that a connection was opened.
        """
        self._find = find
        self._patience = patience
        self._role = role
        self._access = access
        self._on_open = on_open
        self._faults = faults
        self._connection: StoreConnection | None = None
        self._opening: asyncio.Task[StoreConnection] | None = None
        self._failed_at = -PAUSE_SECONDS
        self._failing_since: float | None = None
        self._failure: NotSent | None = None

    @property
    def connection(self) -> StoreConnection | None:
        """The open connection, or None."""
        connection = self._connection
        return connection if connection is not None and not connection.closed else None

    @property
    def unreachable(self) -> bool:
        """Whether the last attempt to reach the server failed, or it went silent: do not wait for it."""
        return self.connection is None and (
            self._failure is not None or (self._connection is not None and self._connection.frozen)
        )

    @property
    def failing_for(self) -> float:
        """Seconds since which no attempt has succeeded; 0 when the last one did."""
        if self._failing_since is None:
            return 0.0
        return asyncio.get_running_loop().time() - self._failing_since

    async def open(self) -> StoreConnection:
        """The connection, opened if need be. Raises NotSent when the server cannot be reached now."""
        connection = self.connection
        return connection if connection is not None else await asyncio.shield(self.reopen())

    def reopen(self) -> asyncio.Task[StoreConnection]:
        """Start to open the connection, or join whoever does already."""
        if self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._open())
            self._opening.add_done_callback(self._opened)
        return self._opening

    async def _open(self) -> StoreConnection:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._failed_at + PAUSE_SECONDS - loop.time()))
        try:
            connection = await StoreConnection.open(
                await self._find(), self._patience, self._role, self._access, self._faults
            )
        except NotSent as failure:
            self._failed_at = loop.time()
            self._failing_since = self._failing_since or self._failed_at
            self._failure = failure
            raise
        self._failure = self._failing_since = None
        self._connection = connection
        return connection

    def _opened(self, task: asyncio.Task[StoreConnection]) -> None:
        self._opening = None
        if not task.cancelled() and task.exception() is None and self._on_open is not None:
            self._on_open()

    def drop(self, reason: str) -> None:
        """Close the connection; the next use opens another."""
        if self._connection is not None:
            self._connection.close(reason)

    async def close(self) -> None:
        """Close for good."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        self.drop("closed")
