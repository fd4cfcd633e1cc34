"""What is published on a channel, for as long as the connection lasts."""

from __future__ import annotations

from collections.abc import AsyncIterator

from redis.asyncio.client import PubSub
from redis.exceptions import ConnectionError

QUIET_SECONDS = 5.0
"""A channel that is silent for so long is asked whether anybody is there."""


async def messages(channel: PubSub) -> AsyncIterator[bytes]:
    """The messages of a channel that was subscribed to. Raises redis.RedisError, OSError when it is lost.

    Not redis-py's `listen()`: that takes the system's word that a connection has died (ETIMEDOUT, which is a
    TimeoutError in Python) for a quiet moment, and asks again without a pause, for ever.
    """
    asked = False
    while True:
        message = await channel.get_message(timeout=QUIET_SECONDS)
        if message is None:
            if asked:
                raise ConnectionError("nobody answers on the channel")
            await channel.ping()
        elif message["type"] == "message":
            yield message["data"]
        asked = message is None
