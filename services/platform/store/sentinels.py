"""Where the primary and the replicas are, by the word of the sentinels."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from services.platform.settings import Address
from services.platform.store.link import NotSent
from services.platform.tasks import cancel_all

ANSWER_SECONDS = 0.3
"""For each sentinel; all are asked at once, so that a frozen one costs no more than this."""

WATCH_AGAIN_SECONDS = 1.0


class Topology(NamedTuple):
    """The servers of the store: the primary unless it is down, and the replicas that are not."""

    primary: Address | None
    replicas: tuple[Address, ...]


class Sentinels:
    """All sentinels of a store. redis-py's own discovery believes the first that answers, stale or not."""

    def __init__(
        self,
        addresses: Sequence[Address],
        name: str,
        routes: Mapping[Address, Address],
        on_switch: Callable[[Address], None] | None = None,
    ) -> None:
        """`routes` says where a server that a sentinel names is reached from here, if not there.

        `on_switch(primary)` is called when a sentinel announces that another server was promoted.
        """
        self._name = name
        self._routes = routes
        self._on_switch = on_switch
        self._clients = [
            Redis(
                host=address.host,
                port=address.port,
                socket_timeout=ANSWER_SECONDS,
                socket_connect_timeout=ANSWER_SECONDS,
                retry=Retry(NoBackoff(), 0),
            )
            for address in addresses
        ]
        self._watchers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to listen for promotions. Costs nothing while none happens."""
        self._watchers = [asyncio.create_task(self._watch(client)) for client in self._clients]

    async def close(self) -> None:
        await cancel_all(self._watchers)
        await asyncio.gather(*(client.aclose() for client in self._clients), return_exceptions=True)

    async def locate(self) -> Topology:
        """Ask all sentinels; who knows of the latest promotion is right. Raises NotSent when none answers."""
        answers = await asyncio.gather(*map(self._ask, self._clients), return_exceptions=True)
        heard = [answer for answer in answers if not isinstance(answer, BaseException)]
        if not heard:
            raise NotSent(f"no sentinel answers: {answers[0]!r}" if answers else "no sentinel is configured")
        _, topology = max(heard, key=lambda answer: (answer[0], answer[1].primary is not None))
        return topology

    async def primary(self) -> Address:
        """The address of the primary. Raises NotSent when it is down or nobody knows it."""
        primary = (await self.locate()).primary
        if primary is None:
            raise NotSent("the primary is down")
        return primary

    async def replica(self) -> Address:
        """The address of a replica that is up. Raises NotSent."""
        replicas = (await self.locate()).replicas
        if not replicas:
            raise NotSent("no replica is up")
        return replicas[0]

    async def _ask(self, client: Redis) -> tuple[int, Topology]:
        async with asyncio.timeout(ANSWER_SECONDS):
            master = cast(dict[str, Any], await client.sentinel_master(self._name))
            replicas = await client.sentinel_slaves(self._name)
        primary = None if _down(master) else self._way_to(master["ip"], master["port"])
        up = tuple(self._way_to(state["ip"], state["port"]) for state in replicas if not _down(state))
        return int(master["config-epoch"]), Topology(primary, up)

    async def _watch(self, client: Redis) -> None:
        while True:
            try:
                async with client.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe("+switch-master")
                    async for message in channel.listen():
                        name, _, _, host, port = message["data"].decode().split()
                        if name == self._name and self._on_switch is not None:
                            self._on_switch(self._way_to(host, int(port)))
            except (RedisError, OSError):
                await asyncio.sleep(WATCH_AGAIN_SECONDS)

    def _way_to(self, host: str, port: int) -> Address:
        """Where a server is reached, by the address that a sentinel gave."""
        named = Address(host, port)
        return self._routes.get(named, named)


def _down(state: dict[str, Any]) -> bool:
    return bool(state["is_sdown"] or state["is_odown"] or state["is_disconnected"])
