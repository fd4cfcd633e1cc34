"""Writes that wait for a replica: one WAIT for all that arrived while the one before was under way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from services.platform.keys import REPLICATION_BARRIER
from services.platform.store.line import Line
from services.platform.store.link import Argument, Lost, NotSent, Refusal
from services.platform.store.script import Script, learn_from

LARGEST_GROUP = 64

PATIENT_MS = 200
"""How long a replica may take to say that it has a write."""

IMPATIENT_MS = 5
"""The same while no replica answers, so that a site without one stays fast."""

SHORTEST_IMPATIENCE_SECONDS = 1.0
LONGEST_IMPATIENCE_SECONDS = 10.0


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

    def __init__(self, line: Line) -> None:
        self._line = line
        self._pending: list[_Write] = []
        self._committing: asyncio.Task[None] | None = None
        self._impatient_until = 0.0
        self._impatience = SHORTEST_IMPATIENCE_SECONDS

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
                await self._line.open()
                group, self._pending = self._pending[:LARGEST_GROUP], self._pending[LARGEST_GROUP:]
                await self._commit_group([write for write in group if not write.done.done()])
        except NotSent as error:
            group, self._pending = self._pending, []
            _fail(group, error)
        finally:
            self._committing = None

    async def _commit_group(self, group: list[_Write]) -> None:
        link = self._line.link
        if link is None or not group:
            _fail(group, NotSent("the connection to the primary was lost"))
            return
        loop = asyncio.get_running_loop()
        patient = loop.time() >= self._impatient_until
        try:
            answers = await link.pipeline(
                [
                    *(write.script.writing(link, write.keys, write.args) for write in group),
                    (b"SET", REPLICATION_BARRIER, b""),
                    (b"WAIT", 1, PATIENT_MS if patient else IMPATIENT_MS),
                ]
            )
        except Lost as error:
            _fail(group, error)
            return
        # WAIT is refused when the server was demoted meanwhile: then no replica will ever have these writes.
        replicas = answers[-1] if isinstance(answers[-1], int) else 0
        self._learn(replicas, patient, loop.time())
        for write, answer in zip(group, answers, strict=False):
            if isinstance(answer, Refusal):
                learn_from(answer, link, write.script)
                _fail([write], answer)
            elif not write.done.done():
                write.done.set_result(Done(answer, replicas))

    def _learn(self, replicas: int, patient: bool, now: float) -> None:
        """After a patient wait for nothing, be impatient for a second, then for longer and longer."""
        if replicas:
            self._impatient_until = 0.0
            self._impatience = SHORTEST_IMPATIENCE_SECONDS
        elif patient:
            self._impatient_until = now + self._impatience
            self._impatience = min(2 * self._impatience, LONGEST_IMPATIENCE_SECONDS)


def _fail(writes: Sequence[_Write], error: Exception) -> None:
    for write in writes:
        if not write.done.done():
            write.done.set_exception(error)
