"""Where the primary and the replicas are, by the word of the sentinels."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from redis.asyncio import ConnectionPool
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from services.platform.access import Access
from services.platform.injection.points import InjectionPoints
from services.platform.keepalive import OPTIONS
from services.platform.names import look_up
from services.platform.settings import Address
from services.platform.store.channel import messages
from services.platform.store.connection import NotSent, Refusal
from services.platform.store.on_demand import OnDemandConnection
from services.platform.tasks import cancel_all

ANSWER_SECONDS = 0.3
"""For each sentinel; all are asked at once, so that a frozen one costs no more than this."""

OTHERS_SECONDS = 0.05
"""For sentinels to speak up against a majority that has answered: as long as a live one takes in a crowd."""

WATCH_AGAIN_SECONDS = 1.0


class Topology(NamedTuple):
    """The servers of the store: the primary unless it is down, and the replicas that are not."""

    primary: Address | None
    replicas: tuple[Address, ...]
    promoting: bool = False
    """Whether the sentinel that says so is promoting a replica now."""


class Sentinels:
    """All sentinels of a store. redis-py's own discovery believes the first that answers, stale or not."""

    def __init__(
        self,
        addresses: Sequence[Address],
        name: str,
        routes: Mapping[Address, Address],
        on_switch: Callable[[Address], None] | None = None,
        access: Access | None = None,
        faults: InjectionPoints | None = None,
    ) -> None:
        """`routes` says where a server that a sentinel names is reached from here, if not there; `access` is
        what is shown to the sentinels; `faults` may hurt the connections to them.

        `on_switch(primary)` is called when a sentinel announces that another server was promoted.
        """
        self._name = name
        self._routes = routes
        self._on_switch = on_switch
        self._access = access
        self._addresses = tuple(addresses)
        self.faults = faults
        self._to_each = [
            OnDemandConnection(_always(address), ANSWER_SECONDS, access=access, faults=faults)
            for address in addresses
        ]
        self._watchers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to listen for promotions. Costs nothing while none happens."""
        self._watchers = [asyncio.create_task(self._watch(address)) for address in self._addresses]

    def let_go(self, reason: str) -> None:
        """Close the connections to all of them; the next question opens others."""
        for on_demand in self._to_each:
            on_demand.drop(reason)

    async def close(self) -> None:
        await cancel_all(self._watchers)
        for on_demand in self._to_each:
            await on_demand.close()

    async def locate(self) -> Topology:
        """Ask all sentinels; who knows of the latest promotion is right. Raises NotSent when none answers."""
        answers = await asyncio.gather(*map(self._ask, self._to_each), return_exceptions=True)
        heard = [answer for answer in answers if not isinstance(answer, BaseException)]
        if not heard:
            raise NotSent(f"no sentinel answers: {answers[0]!r}" if answers else "no sentinel is configured")
        _, topology = max(heard, key=_latest)
        return topology

    async def primary(self) -> Address:
        """The address of the primary. Raises NotSent when it is down or nobody knows it."""
        primary = (await self.locate()).primary
        if primary is None:
            raise NotSent("the primary is down")
        return primary

    async def elected(self) -> Address | None:
        """The server that a majority of all sentinels, asked now, takes for the primary and for alive; None
        also where one of them is promoting another, or has.

        The others of that majority learn of a promotion only when it is done. So the rest is listened to as
        well, but not waited for longer than OTHERS_SECONDS.
        """
        asking = [asyncio.ensure_future(self._ask(on_demand)) for on_demand in self._to_each]
        try:
            waiting = set(asking)
            while waiting and 2 * _most_votes(_heard(asking)) <= len(asking):
                _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if waiting:
                await asyncio.wait(waiting, timeout=OTHERS_SECONDS)
        finally:
            await cancel_all(asking)
        heard = _heard(asking)
        if 2 * _most_votes(heard) <= len(asking) or any(topology.promoting for _, topology in heard):
            return None
        _, latest = max(heard, key=_latest)
        votes = sum(topology.primary == latest.primary for _, topology in heard)
        return latest.primary if 2 * votes > len(asking) else None

    async def replica(self) -> Address:
        """The address of a replica that is up. Raises NotSent."""
        replicas = (await self.locate()).replicas
        if not replicas:
            raise NotSent("no replica is up")
        return replicas[0]

    async def _ask(self, on_demand: OnDemandConnection) -> tuple[int, Topology]:
        """What one sentinel knows, and since which promotion. Raises Lost, TimeoutError."""
        async with asyncio.timeout(ANSWER_SECONDS):
            connection = await on_demand.open()
            said = await connection.pipeline(
                [("SENTINEL", "MASTER", self._name), ("SENTINEL", "REPLICAS", self._name)]
            )
        for answer in said:
            if isinstance(answer, Refusal):
                raise NotSent(f"{connection.address}: {answer}")
        master, replicas = _fields(said[0]), map(_fields, said[1])
        primary = None if _down(master) else self._primary(master)
        return int(master["config-epoch"]), Topology(
            primary,
            tuple(self._way_to(replica) for replica in replicas if not _down(replica)),
            promoting="failover_in_progress" in master["flags"].split(","),
        )

    def _primary(self, master: Mapping[str, str]) -> Address:
        """Where the primary is reached from here, or whoever is taken for it."""
        astray = self.faults.of("split-brain") if self.faults else None
        if astray is None or astray.fault.leads_to is None:
            return self._way_to(master)
        named = Address.parse(astray.fault.leads_to)
        return self._routes.get(named, named)

    async def _watch(self, address: Address) -> None:
        while True:
            try:
                await self._listen(address)
            except (RedisError, OSError):
                await asyncio.sleep(WATCH_AGAIN_SECONDS)

    async def _listen(self, address: Address) -> None:
        """Tell of promotions until the connection is lost. Raises RedisError, OSError."""
        host, *_ = await look_up(address.host, self.faults)
        sentinel = ConnectionPool(
            host=host,
            port=address.port,
            username=self._access.user if self._access else None,
            password=self._access.password if self._access else None,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            socket_keepalive=True,
            socket_keepalive_options=OPTIONS,
            retry=Retry(NoBackoff(), 0),
        )
        async with sentinel, PubSub(sentinel, ignore_subscribe_messages=True) as channel:
            await channel.subscribe("+switch-master")
            async for message in messages(channel):
                name, _, _, primary, port = message.decode().split()
                if name == self._name and self._on_switch is not None:
                    self._on_switch(self._way_to({"ip": primary, "port": port}))

    def _way_to(self, server: Mapping[str, str]) -> Address:
        """Where a server is reached that a sentinel told of."""
        named = Address(server["ip"], int(server["port"]))
        return self._routes.get(named, named)


def _heard(asked: Sequence[asyncio.Task[tuple[int, Topology]]]) -> list[tuple[int, Topology]]:
    """The answers that have come. A sentinel that cannot be asked does not count."""
    came = [task for task in asked if task.done() and not task.cancelled()]
    return [task.result() for task in came if task.exception() is None]


def _most_votes(heard: Sequence[tuple[int, Topology]]) -> int:
    """How many sentinels agree on a primary."""
    votes = Counter(topology.primary for _, topology in heard if topology.primary is not None)
    return max(votes.values(), default=0)


def _latest(answer: tuple[int, Topology]) -> tuple[int, bool]:
    """Orders answers: who knows of the latest promotion is right."""
    return answer[0], answer[1].primary is not None


def _always(address: Address) -> Callable[[], Awaitable[Address]]:
    async def find() -> Address:
        return address

    return find


def _fields(flat: Sequence[bytes]) -> dict[str, str]:
    """What a sentinel says of a server: names and values in turn."""
    texts = [item.decode() for item in flat]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def _down(server: Mapping[str, str]) -> bool:
    return not {"s_down", "o_down", "disconnected"}.isdisjoint(server["flags"].split(","))
