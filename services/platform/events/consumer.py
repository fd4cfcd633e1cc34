"""Consumer groups on the event log: each event reaches one member, and another one if that member dies."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Any, ClassVar

from services.platform.events.log import GROUPS_LUA, Event, parse
from services.platform.injection.points import InjectionPoints
from services.platform.keys import (
    EVENTS,
    EVENTS_DEAD,
    EVENTS_DEAD_KEPT,
    EVENTS_MOST,
)
from services.platform.lua import fragment
from services.platform.metrics import Metrics
from services.platform.problems import Problem
from services.platform.store import Script, Store
from services.platform.store.connection import Argument, Lost, Refusal, StoreConnection

logger = logging.getLogger(__name__)

BLOCK_MS = 1000
"""How long a read waits for an event. After each wait the member looks for what a dead one left."""

ORPHANED_MS = 3000
"""An event that was taken and not acknowledged for so long is taken over."""

TRIES = 5
"""After so many failures of its handler an event is given up, so that it does not hold up the others."""

BATCH = 32
PAUSE_SECONDS = 0.2

_LOOK = Script(GROUPS_LUA + fragment("services.platform.events", "look"))
_GIVE_UP = Script(fragment("services.platform.events", "give_up"))
_LOSE = Script(GROUPS_LUA + fragment("services.platform.events", "lose"))


class Consumer:
    """What a service does about events. Subclass it, name the group and the types, and write `handle`.

    Each event goes to one member of the group. It may come twice, and after later ones: `handle` must be
    idempotent. An exception leaves the event to be tried again later; after TRIES of them it goes to the
    stream `events-dead`. A Problem of status 503 (the store cannot be written now) does not count as a try.
    """

    group: ClassVar[str]
    types: ClassVar[Collection[str]]

    async def handle(self, event: Event) -> None:
        raise NotImplementedError


async def consume(
    consumer: Consumer, store: Store, member: str, metrics: Metrics, faults: InjectionPoints
) -> None:
    """Be a member of the consumer's group until cancelled. Survives whatever happens to the store.

    `member` is the name of this part (`timeline@east`): after a restart it finds what it had not finished.
    """
    await _Member(consumer, store, member, metrics, faults).run()


class _Member:
    def __init__(
        self, consumer: Consumer, store: Store, name: str, metrics: Metrics, faults: InjectionPoints
    ) -> None:
        self._consumer = consumer
        self._group = consumer.group
        self._name = name
        self._metrics = metrics
        self._faults = faults
        self._on_demand = store.connection_to_primary(BLOCK_MS / 1000 + 1.0)
        self._failures: dict[bytes, int] = {}
        self._losing: set[str] = set()
        self._next_look = 0.0

    async def run(self) -> None:
        while True:
            try:
                connection = await self._on_demand.open()
                await self._join(connection)
                left_over = await self._read(connection, b"0")  # by this consumer when it died
                await self._handle_all(connection, left_over)
                while True:
                    await self._unless_poisoned(connection)
                    await self._handle_all(connection, await self._read(connection, b">"))
                    await self._look_after_others(connection)
            except Lost as error:
                logger.debug("events of %s: %s", self._group, error)
            except Refusal as refusal:
                logger.warning("events of %s: %s", self._group, refusal)
                if refusal.code != "NOGROUP":
                    self._on_demand.drop("the server refused")
            await asyncio.sleep(PAUSE_SECONDS)

    async def _join(self, connection: StoreConnection) -> None:
        """Make the group. It begins with the first event ever, so that none is missed before it was made."""
        try:
            await _ask(connection, b"XGROUP", b"CREATE", EVENTS, self._group, b"0", b"MKSTREAM")
        except Refusal as refusal:
            if refusal.code != "BUSYGROUP":
                raise

    async def _read(self, connection: StoreConnection, after: bytes) -> list[Any]:
        streams = await _ask(
            connection,
            *(b"XREADGROUP", b"GROUP", self._group, self._name, b"COUNT", BATCH, b"BLOCK", BLOCK_MS),
            *(b"STREAMS", EVENTS, after),
        )
        return streams[0][1] if streams else []

    async def _look_after_others(self, connection: StoreConnection) -> None:
        """Take over what was left, also by this member's failures, and see how far all groups are.

        All groups, not only its own: a group whose members are all dead has nobody to say so.
        """
        now = asyncio.get_running_loop().time()
        if now < self._next_look:
            return
        self._next_look = now + BLOCK_MS / 1000
        await self._take_over(connection, ORPHANED_MS)
        losing = set()
        for name, behind, loses in await _ask(
            connection, *_LOOK.reading(connection, (EVENTS,), (EVENTS_MOST,))
        ):
            group = name.decode()
            self._metrics.events_lag(group).set(behind)
            if loses:
                losing.add(group)
        for group in losing - self._losing:
            logger.error("%s loses events: it is %d behind, and no more are kept", group, EVENTS_MOST)
        self._losing = losing

    async def _take_over(self, connection: StoreConnection, idle_ms: int) -> bool:
        """Handle what members took so long ago and have not acknowledged; false when some of it failed."""
        claimed = await _ask(
            connection, b"XAUTOCLAIM", EVENTS, self._group, self._name, idle_ms, b"0", b"COUNT", BATCH
        )
        self._lost(len(claimed[2]))
        return await self._handle_all(connection, claimed[1], again=True)

    def _lost(self, number: int) -> None:
        """Count events that were trimmed before this group had handled them."""
        if number:
            logger.error("%s has lost %d events", self._group, number)
            self._metrics.events_lost(self._group).inc(number)

    async def _handle_all(
        self, connection: StoreConnection, entries: list[Any], *, again: bool = False
    ) -> bool:
        """Handle what was read, or came `again`, and acknowledge it; false when some of it failed."""
        await self._unless_stopped(connection)
        done = []
        for identifier, fields in entries:
            if fields is None:  # the stream was trimmed meanwhile, and nothing can be done
                self._lost(1)
                done.append(identifier)
            elif await self._handle(connection, identifier, _pairs(fields)):
                done.append(identifier)
        if done and not self._forgets_to_acknowledge(again):
            await _ask(connection, b"XACK", EVENTS, self._group, *done)
        return len(done) == len(entries)

    # --- what faults do; without one each costs a look at an empty tuple ---

    async def _unless_stopped(self, connection: StoreConnection) -> None:
        """While a fault says so nothing is handled, and so nothing more is read. One that trims the log has
        the others' reading decide what is kept, so that what this group has not read is gone."""
        while fault := self._faults.of("consumer-stopped", "event-log-trimmed"):
            if fault.fault.kind == "event-log-trimmed":
                self._lost(await _ask(connection, *_LOSE.writing(connection, (EVENTS,), (self._group,))))
            self._faults.hit(fault)
            await self._faults.wait(fault, PAUSE_SECONDS)

    async def _unless_poisoned(self, connection: StoreConnection) -> None:
        """While a fault says so no event is given up, and none is passed over: all members try what failed
        again and again. Returns when there is nothing of that, or it was given up, or somebody acknowledged
        it."""
        while fault := self._faults.of("poison-event"):
            if await self._take_over(connection, 0):
                return
            self._faults.hit(fault)
            await self._faults.wait(fault, PAUSE_SECONDS)
            if fault.ended.is_set():  # who tried it last gives it up
                await self._handle_all(connection, await self._read(connection, b"0"))

    def _forgets_to_acknowledge(self, again: bool) -> bool:
        """Whether a fault has what was read come once more, to whichever member."""
        fault = None if again else self._faults.of("duplicate-events")
        if fault is not None:
            self._faults.hit(fault)
        return fault is not None

    async def _handle(
        self, connection: StoreConnection, identifier: bytes, fields: dict[bytes, bytes]
    ) -> bool:
        """Whether the event is dealt with: handled, of no interest, or given up."""
        try:
            event = parse(fields)
            if event.type in self._consumer.types:
                if fault := self._faults.of("consumer-slow"):
                    self._faults.hit(fault)
                    await self._faults.wait(fault, fault.fault.delay)
                await self._consumer.handle(event)
                self._metrics.events_handled(self._group, event.type).inc()
        except Problem as problem:
            if problem.status == 503:
                logger.info("events of %s: %s comes again later: %s", self._group, identifier, problem)
                return False
            return await self._failed(connection, identifier, fields, problem)
        except Exception as error:
            return await self._failed(connection, identifier, fields, error)
        self._failures.pop(identifier, None)
        return True

    async def _failed(
        self, connection: StoreConnection, identifier: bytes, fields: dict[bytes, bytes], error: Exception
    ) -> bool:
        """Count a failure; after too many put the event where people can look at it."""
        failures = self._failures[identifier] = self._failures.get(identifier, 0) + 1
        logger.warning("events of %s: try %d of %s failed", self._group, failures, identifier, exc_info=error)
        if failures < TRIES or self._faults.of("poison-event"):
            return False
        del self._failures[identifier]
        letter: list[Argument] = [part for pair in fields.items() for part in pair]
        letter += [b"group", self._group, b"error", repr(error)[:500], b"entry", identifier]
        if await _ask(
            connection,
            *_GIVE_UP.writing(
                connection, (EVENTS, EVENTS_DEAD), (self._group, identifier, EVENTS_DEAD_KEPT, *letter)
            ),
        ):
            self._metrics.events_dead(self._group).inc()
        return True


async def _ask(connection: StoreConnection, *command: Argument) -> Any:
    answer = await connection.call(*command)
    if isinstance(answer, Refusal):
        raise answer
    return answer


def _pairs(flat: list[Any]) -> dict[bytes, Any]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
