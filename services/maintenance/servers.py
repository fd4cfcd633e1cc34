"""The servers of the store one by one, as who maintains them sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

from services.platform.access import Access, maintenance_access
from services.platform.settings import Address, Settings, SettingsError
from services.platform.store.connection import Argument, Refusal, StoreConnection
from services.platform.store.sentinels import Sentinels

PATIENCE_SECONDS = 2.0
"""A server that is silent for so long is taken for frozen."""


class Servers:
    """All servers of the store. Every method raises Lost where a server cannot be reached, and Refusal."""

    def __init__(self, settings: Settings, addresses: tuple[Address, ...], access: Access) -> None:
        self.addresses = addresses
        """Where each is reached from here."""
        self.access = access
        self._sentinels = Sentinels(
            settings.sentinels, settings.store_name, settings.store_routes, access=access
        )
        self._named = {reached: named for named, reached in settings.store_routes.items()}

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As STORES (host:port,...) and MAINTENANCE (the folder with the password) say. Raises
        SettingsError."""
        try:
            addresses = tuple(map(Address.parse, settings.text("STORES", "").split(",")))
            access = maintenance_access(settings.folder("MAINTENANCE"))
        except ValueError as error:
            raise SettingsError(f"STORES: {error}") from None
        except OSError as error:
            raise SettingsError(f"MAINTENANCE: no password of the store: {error}") from None
        return cls(settings, addresses, access)

    async def close(self) -> None:
        await self._sentinels.close()

    async def primary(self) -> Address | None:
        """Where the server is reached that a majority of the sentinels takes for the primary; None while they
        do not agree, or promote another."""
        return await self._sentinels.elected()

    def name_of(self, address: Address) -> Address:
        """What the servers themselves call the server that is reached by this address from here."""
        return self._named.get(address, address)

    @asynccontextmanager
    async def connected(
        self, address: Address, patience: float = PATIENCE_SECONDS
    ) -> AsyncIterator[StoreConnection]:
        """A connection to this server, which may be silent for so many seconds."""
        connection = await StoreConnection.open(address, patience, access=self.access)
        try:
            yield connection
        finally:
            connection.close("not needed any more")


async def ask(connection: StoreConnection, *command: Argument) -> Any:
    """One command and its answer. Raises Refusal, Lost."""
    answer = await connection.call(*command)
    if isinstance(answer, Refusal):
        raise answer
    return answer
