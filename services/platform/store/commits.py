"""Writes that wait for a replica: one WAIT for all that arrived while the one before was under way.

What no replica has is acknowledged only while a majority of the sentinels says that its server is the
primary. Otherwise another one may have been promoted, and what this one alone has will be lost: whether such
a write was done is said to be unknown, and the next ones are not sent at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from services.platform.keys import REPLICATION_BARRIER
from services.platform.store.confirmation import Confirmation
from services.platform.store.connection import Argument, Command, Lost, NotSent, Refusal, StoreConnection
from services.platform.store.on_demand import OnDemandConnection
from services.platform.store.script import Script, learn_from

LARGEST_GROUP = 64

PATIENCE_MS = 200
"""How long a replica may take to say that it has a write."""


class Done(NamedTuple):
    """A script's return value, and the number of replicas that have what it wrote."""

    value: Any
    replicas: int


class _Write(NamedTuple):
    script: Script
    keys: Sequence[Argument]
    args: Sequence[Argument]
    done: asyncio.Future[Done]


class Commits:
    """The queue of writes to the primary.

    WAIT asks for the writes of its own connection only, and those of a replayed request may have been made
    over another one, or have made none. So each group ends with a small write, the barrier: whatever the
    scripts of the group found to be done already lies before it in the replication stream.
    """

    def __init__(self, on_demand: OnDemandConnection, confirmation: Confirmation) -> None:
        self._on_demand = on_demand
        self._confirmation = confirmation
        self._unconfirmed_since: float | None = None
        self._pending: list[_Write] = []
        self._committing: asyncio.Task[None] | None = None
        self._missed: tuple[StoreConnection, int] | None = None

    @property
    def failing_for(self) -> float:
        """Seconds since which no write has been taken, for want of a server that is certainly the primary."""
        since = self._unconfirmed_since
        unconfirmed = 0.0 if since is None else asyncio.get_running_loop().time() - since
        return max(unconfirmed, self._on_demand.failing_for)

    async def commit(self, script: Script, keys: Sequence[Argument], args: Sequence[Argument]) -> Done:
        """Run a script and wait for a replica. Raises NotSent, Lost, Refusal.

        Whoever stops waiting leaves a write that may still be done.
        """
        done: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        self._pending.append(_Write(script, keys, args, done))
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_all())
        return await done

    async def close(self) -> None:
        if self._committing is not None:
            self._committing.cancel()
            await asyncio.wait([self._committing])

    async def _commit_all(self) -> None:
        group: list[_Write] = []
        try:
            while self._pending:
                await self._on_demand.open()
                group, self._pending = self._pending[:LARGEST_GROUP], self._pending[LARGEST_GROUP:]
                await self._commit_group([write for write in group if not write.done.done()])
        except Exception as error:  # NotSent, or an argument that cannot be packed
            _fail([*group, *self._pending], error)
        finally:
            _fail(self._pending, NotSent("the store is closed"))
            self._pending = []
            self._committing = None

    async def _commit_group(self, group: list[_Write]) -> None:
        connection = self._on_demand.connection
        if connection is None or not group:
            _fail(group, NotSent("the connection to the primary was lost"))
            return
        try:
            await self._make_sure(connection)
        except Lost as error:
            _fail(group, NotSent(str(error)))
            return
        try:
            scripts = [write.script.writing(connection, write.keys, write.args) for write in group]
            answers, replicas, doubt = await self._run(connection, scripts)
        except Lost as error:
            # Also a NotSent: it is of what followed the scripts, and these were sent.
            _fail(group, Lost(str(error)))
            return
        if doubt is None:
            self._unconfirmed_since = None
        for write, answer in zip(group, answers, strict=False):
            if isinstance(answer, Refusal):
                learn_from(answer, connection, write.script)
                _fail([write], answer)
            elif doubt is not None:
                _fail([write], doubt)
            elif not write.done.done():
                write.done.set_result(Done(answer, replicas))

    async def _run(
        self, connection: StoreConnection, commands: Sequence[Command]
    ) -> tuple[list[Any], int, Lost | None]:
        """Run commands; returns their answers, how many replicas have all that was written by then, and why
        it may be lost nevertheless, if it may.

        Once a wait was in vain, nobody waits until a replica is seen to have come further than that, so
        that a site without replica stays fast. (A shorter WAIT would not do: servers look at its end every
        100 ms.)
        """
        if self._missed is None or self._missed[0] is not connection:
            *answers, _, waited = await connection.pipeline([*commands, _BARRIER, _WAIT])
        else:
            *answers, role = await connection.pipeline([*commands, _ROLE])
            if not _a_replica_has(role, self._missed[1]):
                return answers, 0, await self._doubt(connection, role)
            _, waited = await connection.pipeline([_BARRIER, _WAIT])
        if isinstance(waited, int) and waited:
            self._missed = None
            return answers, waited, None
        # WAIT is refused by a server that was demoted meanwhile: then no replica will ever have these writes.
        role = waited if isinstance(waited, Refusal) else await connection.call(*_ROLE)
        self._missed = (connection, _offset(role))
        return answers, 0, await self._doubt(connection, role)

    async def _make_sure(self, connection: StoreConnection) -> None:
        """Raise Lost where a write would be on this server alone, and it may not be the primary."""
        if self._missed is None or self._missed[0] is not connection:
            return
        if await self._confirmation.of(connection):
            return
        if not _a_replica_has(await connection.call(*_ROLE), self._missed[1]):
            raise self._unconfirmed(connection)
        if connection.closed:
            raise NotSent("the connection to the primary was lost")

    async def _doubt(self, connection: StoreConnection, role: Any) -> Lost | None:
        """Why what only this server has may be lost, by its own word or by that of the sentinels."""
        if not _is_primary(role):
            connection.close("it is no primary any more")
            return Lost(f"{connection.address} is no primary any more: {role!r:.80}")
        return None if await self._confirmation.of(connection) else self._unconfirmed(connection)

    def _unconfirmed(self, connection: StoreConnection) -> Lost:
        self._unconfirmed_since = self._unconfirmed_since or asyncio.get_running_loop().time()
        return Lost(f"no replica has it, and {connection.address} may not be the primary any more")


_BARRIER: Command = (b"SET", REPLICATION_BARRIER, b"")
_WAIT: Command = (b"WAIT", 1, PATIENCE_MS)
_ROLE: Command = (b"ROLE",)


def _is_primary(role: Any) -> bool:
    """Whether this is the answer of a primary to ROLE."""
    return isinstance(role, list) and role[0] == b"master"


def _offset(role: Any) -> int:
    """How far the replication stream of a primary is, by its answer to ROLE."""
    return int(role[1]) if _is_primary(role) else 0


def _a_replica_has(role: Any, offset: int) -> bool:
    """Whether a replica has acknowledged the stream up to there."""
    return _is_primary(role) and any(int(acknowledged) >= offset for _, _, acknowledged in role[2])


def _fail(writes: Sequence[_Write], error: Exception) -> None:
    for write in writes:
        if not write.done.done():
            write.done.set_exception(error)
