"""A redis-py client of the primary, for what Store itself does not do: pipelines, pub/sub, bulk import."""

from __future__ import annotations

import asyncio

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel
from redis.backoff import NoBackoff

from services.platform.keepalive import OPTIONS
from services.platform.names import look_up
from services.platform.store.link import NotSent
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
                host, *_ = await look_up(address.host)
        except (NotSent, OSError) as error:  # TimeoutError is an OSError
            raise MasterNotFoundError(str(error) or "it cannot be found now") from error
        return host, address.port


def redis_client(sentinels: Sentinels, name: str) -> Redis:
    """A client that connects to the primary, and again to the next one after a promotion.

    It never repeats a command by itself: after a redis.ConnectionError the caller knows whether it may.
    """
    client: Redis = _Discovery(sentinels).master_for(
        name,
        socket_timeout=SOCKET_SECONDS,
        socket_connect_timeout=SOCKET_SECONDS,
        socket_keepalive=True,
        socket_keepalive_options=OPTIONS,
        max_connections=CONNECTIONS,
        retry=Retry(NoBackoff(), 0),
    )
    return client
