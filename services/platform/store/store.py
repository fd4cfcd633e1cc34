"""What a service does with the store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from services.platform import replicated
from services.platform.access import Access
from services.platform.calls import deadline, not_done
from services.platform.calls.wire import Reached
from services.platform.injection.applied import AppliedFault
from services.platform.injection.points import InjectionPoints
from services.platform.problems import Problem
from services.platform.settings import Address, Replication
from services.platform.store.client import connections_to_primary
from services.platform.store.commits import Commits, Done
from services.platform.store.confirmation import Confirmation
from services.platform.store.connection import Argument, Command, Lost, NotSent, Refusal, StoreConnection
from services.platform.store.on_demand import PAUSE_SECONDS, OnDemandConnection
from services.platform.store.script import Script, learn_from
from services.platform.store.sentinels import Sentinels

READ_PATIENCE_SECONDS = 0.4
"""A server that is silent for so long is taken for frozen; reads then go to a replica."""

WRITE_PATIENCE_SECONDS = 1.0

LONGEST_WAIT_SECONDS = 5.0
"""For an operation without a deadline of its own."""

PROMOTION_SECONDS = 3.0
"""A promotion takes about two. Who cannot reach the primary for longer, or nobody who says that it still is
one, is cut off and refuses writes at once, so that the same can be asked in the other data centre while there
is time."""

_NOT_NOW = frozenset({"NOSCRIPT", "READONLY", "LOADING", "MASTERDOWN", "BUSY"})
"""The server did nothing, and will soon, or another one will."""

_NO_ROOM = frozenset({"OOM", "MISCONF", "NOREPLICAS"})
"""The server refuses to write until somebody mends it."""


_may_have_written: ContextVar[bool] = ContextVar("may_have_written", default=False)
"""Whether a write of the request at hand was done, or may have been: then none of its later problems may say
that nothing was."""


class Written(NamedTuple):
    """A write that was done: what its script returned, and whether a replica has it too."""

    value: Any
    replicated: bool


class Store:
    """Reads and writes of one service. Values are bytes, integers, None, or lists of them."""

    def __init__(
        self,
        sentinels: Sequence[Address],
        name: str = "failwhale",
        replication: Replication = "reported",
        routes: Mapping[Address, Address] = MappingProxyType({}),
        access: Access | None = None,
        faults: InjectionPoints | None = None,
    ) -> None:
        """`replication`: what a write needs before it is acknowledged; `routes`: where a server that a
        sentinel names is reached from here (see services.platform.settings); `access`: what is shown to
        servers and sentinels that have users; `faults`: the injection points that may hold
        what servers answer to commands (what they publish is not held)."""
        self._faults = faults
        self._replication = replication
        self._access = access
        self._sentinels = Sentinels(sentinels, name, routes, self._switched, access, faults)
        self._to_primary: list[OnDemandConnection] = []
        self._replica = OnDemandConnection(
            self._sentinels.replica, READ_PATIENCE_SECONDS, access=access, faults=self._faults
        )
        self._primary = self.connection_to_primary(READ_PATIENCE_SECONDS, on_open=self._primary_is_back)
        self._writing = self.connection_to_primary(WRITE_PATIENCE_SECONDS)
        self._commits = Commits(self._writing, Confirmation(self._sentinels.elected))
        if faults is not None:
            faults.on("split-brain", self._follow_another)
        self._pool = connections_to_primary(self._sentinels, name, access)

    async def start(self) -> None:
        """Begin to follow the sentinels. Does not wait for the store: a service starts without it."""
        self._sentinels.start()

    async def let_go(self, reason: str) -> None:
        """Close all connections; the next use opens others. What waits for an answer gets none."""
        for on_demand in (*self._to_primary, self._replica):
            on_demand.drop(reason)
        self._sentinels.let_go(reason)
        await self._pool.disconnect()

    async def reach(self) -> Reached:
        """What a new connection to the primary gets now."""
        began = time.monotonic()
        error = ""
        try:
            connection = await StoreConnection.open(
                await self._sentinels.primary(), READ_PATIENCE_SECONDS, b"master", self._access, self._faults
            )
            connection.close("only tried")
        except NotSent as why:
            error = str(why)
        return Reached(time.monotonic() - began, error)

    async def close(self) -> None:
        await self._commits.close()
        for on_demand in (*self._to_primary, self._replica):
            await on_demand.close()
        await self._pool.disconnect()
        await self._sentinels.close()

    @cached_property
    def redis(self) -> Redis:
        """A redis-py client of the primary, for commands that need neither replication nor deadlines."""
        return Redis(connection_pool=self._pool)

    def channel(self, *, ignore_subscribe_messages: bool = False) -> PubSub:
        """What is published at the primary; lost with it (redis.RedisError)."""
        return PubSub(self._pool, ignore_subscribe_messages=ignore_subscribe_messages)

    async def ready(self) -> bool:
        """Whether the store answers reads now (for /-/ready)."""
        try:
            with deadline.deadline_within(0.5):
                await self.query("PING")
        except Problem:
            return False
        return True

    async def read(self, script: Script, keys: Sequence[Argument] = (), args: Sequence[Argument] = ()) -> Any:
        """Run a script that only reads: on the primary, or on a replica when the primary cannot be reached.

        Raises Problem 503 `store-unavailable` when neither answers before the deadline, with the header of
        `not_done` where the request has not written before; redis.ResponseError for an error that the
        script returned.
        """
        return await self._ask(lambda connection: script.reading(connection, keys, args), script)

    async def query(self, *command: Argument) -> Any:
        """One plain command that only reads (`"HGET", key, field`), in the same way as `read`."""
        return await self._ask(lambda connection: command)

    async def write(
        self,
        script: Script,
        keys: Sequence[Argument] = (),
        args: Sequence[Argument] = (),
        *,
        repeatable: bool = False,
        replicate: bool = True,
        required: bool = False,
    ) -> Written:
        """Run a script on the primary, and wait until a replica has all that it wrote or found written.

        `repeatable` says that running it twice does no more than running it once (an idempotency key, set
        semantics); only then is it tried again after an answer was lost. `replicate=False` does not wait
        for a replica: right for consumers of events, whose acknowledgement follows their write down the
        same replication stream, so that it cannot survive without it. `required` is for what nobody must
        believe to be done that may be undone again by a promotion: without a replica it is refused.

        Raises Problem 503 `store-unavailable`, with the header of `not_done` where the script was certainly
        not run, nor any before it in the same request; Problem 503 `not-replicated` where
        REPLICATION=required, or this write is (it is on the primary and may stay); redis.ResponseError for
        an error that the script returned.
        """
        if self._replication == "off" or not replicate:
            written = await self._write(lambda: self._run(script, keys, args), self._primary, repeatable)
        else:
            written = await self._write(
                lambda: self._commits.commit(script, keys, args), self._commits, repeatable
            )
            if (required or self._replication == "required") and not written.replicas:
                raise _not_replicated()
        if replicate:
            replicated.note(written.replicas > 0)
        return Written(written.value, written.replicas > 0)

    def connection_to_primary(
        self, patience: float, *, on_open: Callable[[], None] | None = None
    ) -> OnDemandConnection:
        """A connection of the caller's own to whichever server is the primary, for commands that block.

        `patience` in seconds must be longer than the command may block. Closed together with the store.
        """
        on_demand = OnDemandConnection(
            self._sentinels.primary,
            patience,
            role=b"master",
            access=self._access,
            on_open=on_open,
            faults=self._faults,
        )
        self._to_primary.append(on_demand)
        return on_demand

    async def _ask(self, command: Callable[[StoreConnection], Command], script: Script | None = None) -> Any:
        ends_at: float | None = None
        while True:
            try:
                connection = self._primary.connection or await self._readable()
                answer = await _within_deadline(connection.call(*command(connection)))
                if not isinstance(answer, Refusal):
                    return answer
                learn_from(answer, connection, script)
                why = _unless_soon(answer)
            except Lost as error:
                why = error
            except TimeoutError as error:
                raise _unavailable("the deadline passed") from error
            ends_at = ends_at or _end_of_wait()
            # A lost read is as good as one that was not sent: it did nothing.
            await _pause(ends_at, why if isinstance(why, Refusal) else NotSent(str(why)))

    async def _readable(self) -> StoreConnection:
        """A connection to read from while none to the primary is open. Raises NotSent."""
        if not self._primary.unreachable:
            try:
                return await self._primary.open()
            except NotSent:
                pass
        self._primary.reopen()
        return await self._replica.open()

    async def _run(self, script: Script, keys: Sequence[Argument], args: Sequence[Argument]) -> Done:
        """Run a writing script without waiting for a replica. Raises NotSent, Lost, Refusal."""
        connection = await self._primary.open()
        answer = await connection.call(*script.writing(connection, keys, args))
        if isinstance(answer, Refusal):
            learn_from(answer, connection, script)
            raise answer
        return Done(answer, 0)

    async def _write(
        self, attempt: Callable[[], Awaitable[Done]], way: OnDemandConnection | Commits, repeatable: bool
    ) -> Done:
        ends_at = _end_of_wait()
        while True:
            before = _may_have_written.set(True)
            try:
                async with asyncio.timeout_at(ends_at):
                    return await attempt()
            except NotSent as error:
                _may_have_written.reset(before)
                if way.failing_for > PROMOTION_SECONDS:
                    raise unreachable(str(error)) from error
                why: Exception = error
            except Lost as error:
                if not repeatable:
                    raise _unavailable(f"whether the write was done is not known: {error}") from error
                why = error
            except Refusal as refusal:
                why = _unless_soon(refusal)
            except TimeoutError as error:
                raise _unavailable("the deadline passed; whether the write was done is not known") from error
            await _pause(ends_at, why)

    def _switched(self, primary: Address) -> None:
        """The old primary may come back and not know yet that it is none: leave it in any case."""
        for on_demand in self._to_primary:
            if on_demand.connection is not None and on_demand.connection.address != primary:
                on_demand.drop("another server was promoted")

    async def _follow_another(self, _: AppliedFault) -> None:
        """A fault of the injection points: from now on another server is taken for the primary, until it
        ends."""
        self._leave_primary()
        try:
            await asyncio.Event().wait()
        finally:
            self._leave_primary()

    def _leave_primary(self) -> None:
        for on_demand in self._to_primary:
            on_demand.drop("another server is taken for the primary")

    def _primary_is_back(self) -> None:
        self._replica.drop("the primary is back")


async def _within_deadline(answer: asyncio.Future[Any]) -> Any:
    """Await an answer. A connection gives up after its patience: only an earlier deadline needs a timer."""
    left = deadline.remaining()
    if left > 2 * READ_PATIENCE_SECONDS:
        return await answer
    async with asyncio.timeout(left):
        return await answer


def _end_of_wait() -> float:
    """When to give up, in the loop's time."""
    return asyncio.get_running_loop().time() + min(deadline.remaining(), LONGEST_WAIT_SECONDS)


async def _pause(ends_at: float, why: Exception) -> None:
    """Wait before the next attempt. Raises Problem when there is no time for one."""
    if asyncio.get_running_loop().time() + PAUSE_SECONDS >= ends_at:
        raise (unreachable if isinstance(why, NotSent) else _unavailable)(str(why)) from why
    await asyncio.sleep(PAUSE_SECONDS)


def _unless_soon(refusal: Refusal) -> Exception:
    """The refusal itself if the same may succeed soon; raises what the caller should get otherwise."""
    if refusal.code in _NO_ROOM:
        raise _unavailable(str(refusal)) from refusal
    if refusal.code not in _NOT_NOW:
        raise refusal
    return refusal


def unreachable(detail: str) -> Problem:
    """The problem of a request for which nothing was sent to the store: if nothing was before either, the
    same may be asked of the service in the other data centre, and the problem says so."""
    problem = _unavailable(detail)
    if not _may_have_written.get():
        problem.headers[not_done.HEADER] = not_done.VALUE
    return problem


def _unavailable(detail: str) -> Problem:
    return Problem(503, "store-unavailable", "The store cannot be reached", detail, {"Retry-After": "1"})


def _not_replicated() -> Problem:
    title = "No replica has the write; repeating it, a post with the same idempotency key, is safe"
    return Problem(503, "not-replicated", title, "It is on the primary only.", {"Retry-After": "1"})
