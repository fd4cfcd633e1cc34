"""What a service does with the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from redis.asyncio import Redis

from services.platform.settings import Address, Replication
from services.platform.store.script import Script

Argument = bytes | str | int | float


class Written(NamedTuple):
    """A write that was done: what its script returned, and whether a replica has it too."""

    value: Any
    replicated: bool


class Store:
    """Reads and writes of one service. Values are bytes, integers, None and lists of them, as Redis sends them."""

    def __init__(
        self, sentinels: Sequence[Address], name: str = "failwhale", replication: Replication = "reported"
    ) -> None:
        self.redis: Redis = Redis()

    async def start(self) -> None:
        """Begin to follow the sentinels. Does not wait for the store: a service starts without it."""
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError

    async def ready(self) -> bool:
        """Whether the store answers reads now (for /-/ready); waits 300 ms at most."""
        raise NotImplementedError

    async def read(self, script: Script, keys: Sequence[Argument] = (), args: Sequence[Argument] = ()) -> Any:
        """Run a script that only reads: on the primary, or on a replica when the primary cannot be reached.

        Raises Problem 503 `store-unavailable` when neither answers before the deadline; redis.ResponseError for an
        error that the script returned.
        """
        raise NotImplementedError

    async def query(self, *command: Argument) -> Any:
        """One plain command that only reads (`"HGET", key, field`), in the same way as `read`."""
        raise NotImplementedError

    async def write(
        self,
        script: Script,
        keys: Sequence[Argument] = (),
        args: Sequence[Argument] = (),
        *,
        repeatable: bool = False,
        replicate: bool = True,
    ) -> Written:
        """Run a script on the primary, and wait until a replica has all that it wrote.

        `repeatable` says that running it twice does no more than running it once (an idempotency key, set
        semantics); only then is it tried again after an answer was lost. `replicate=False` does not wait for a replica:
        right for consumers of events, whose acknowledgement follows their write down the same replication stream.

        Raises Problem 503 `store-unavailable`, Problem 503 `not-replicated` where REPLICATION=required;
        redis.ResponseError for an error that the script returned.
        """
        raise NotImplementedError
