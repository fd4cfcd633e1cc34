"""Connections of redis-py to the primary, for what Store itself does not do: pub/sub, above all."""

from __future__ import annotations

import asyncio

from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

from services.platform.access import Access
from services.platform.keepalive import OPTIONS
from services.platform.names import look_up
from services.platform.store.connection import NotSent
from services.platform.store.sentinels import Sentinels

SOCKET_SECONDS = 1.0
CONNECTIONS = 32


class _Discovery(Sentinel):
    """redis-py's Sentinel support, finding the primary as the rest of the store does."""

    def __init__(self, sentinels: Sentinels) -> None:
        super().__init__([])  # type: ignore[no-untyped-call]
        self._ours = sentinels

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        try:
            async with asyncio.timeout(SOCKET_SECONDS):
                address = await self._ours.primary()
                host, *_ = await look_up(address.host, self._ours.faults)
        except (NotSent, OSError) as error:  # TimeoutError is an OSError
            raise MasterNotFoundError(str(error) or "it cannot be found now") from error
        return host, address.port


def connections_to_primary(sentinels: Sentinels, name: str, access: Access | None) -> SentinelConnectionPool:
    """Connections of redis-py to the primary, and after a promotion to the next one.

    They never repeat a command by themselves: after a redis.ConnectionError the caller knows whether it may.
    """
    return SentinelConnectionPool(  # type: ignore[no-untyped-call]
        name,
        _Discovery(sentinels),
        is_master=True,
        username=access.user if access else None,
        password=access.password if access else None,
        socket_timeout=SOCKET_SECONDS,
        socket_connect_timeout=SOCKET_SECONDS,
        socket_keepalive=True,
        socket_keepalive_options=OPTIONS,
        max_connections=CONNECTIONS,
        retry=Retry(NoBackoff(), 0),
    )
