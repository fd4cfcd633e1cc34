"""The store is given what a backup has, in one step: it is never there by half."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

from redis.asyncio import Redis

from services.maintenance.backups import Backup
from services.maintenance.job import Context, JobFailed
from services.maintenance.recreate import commands
from services.maintenance.servers import ask
from services.maintenance.trial import loaded
from services.platform.keys import (
    BACKUP_MARK,
    CONFIGURATION,
    MAINTENANCE_JOBS,
    MAINTENANCE_LEAD,
    NEWEST_IDS,
    REVOKED,
)
from services.platform.lua import fragment
from services.platform.store.connection import Command, Refusal, StoreConnection

STAYS = (CONFIGURATION, REVOKED, NEWEST_IDS, MAINTENANCE_JOBS, MAINTENANCE_LEAD)
"""What the store has of these is not put back: parts never go back to an older configuration, a session that
was ended stays ended, no id is given twice, and the jobs are told as they are. Where it has none, that of the
backup is taken."""

PATIENCE_SECONDS = 60.0
"""For the one step: a server does nothing else meanwhile, a quarter of a second for 40,000 keys. The
sentinels take one that is silent for 0.8 s for dead."""

REPLICA_SECONDS = 5
"""For the replica to have it as well."""

_CLEAR = fragment("services.maintenance", "clear")


@dataclass(frozen=True)
class Restored:
    """What was put back."""

    keys: int
    """That the store has now."""
    removed: int
    """That it had before, but for those that stay."""
    replicated: bool
    """Whether the replica has it, too."""


class NotGood(JobFailed):
    """The backup cannot be loaded, or is of something else."""


async def restore(context: Context, backup: Backup) -> Restored:
    """Give the primary what the backup has, and take what it has now. Raises NotGood, with nothing changed;
    JobFailed when the store refuses, or another one is promoted meanwhile; and Lost."""
    async with AsyncExitStack() as trial:
        source = await _loaded(backup, trial)
        primary = await context.servers.primary()
        if primary is None:
            raise JobFailed("the sentinels name no primary")
        async with context.servers.connected(primary, PATIENCE_SECONDS) as connection:
            there = [key for key in STAYS if await ask(connection, "EXISTS", key)]
            done = await _at_once(connection, await _steps(source, there))
            keys = await ask(connection, "DBSIZE")
            replicas = await ask(connection, "WAIT", 1, REPLICA_SECONDS * 1000)
        if await context.servers.primary() != primary:
            raise JobFailed(f"another server was promoted while {primary} took it, and may not have it")
    return Restored(keys, done[0], replicas > 0)


async def _loaded(backup: Backup, trial: AsyncExitStack) -> Redis:
    try:
        source = await trial.enter_async_context(loaded(backup.path))
    except JobFailed as error:
        raise NotGood(str(error)) from error
    if not await source.exists(BACKUP_MARK):
        raise NotGood(f"{backup.name} is not what this site has made")
    return source


async def _steps(source: Redis, there: list[str]) -> list[Command]:
    clear: Command = ("EVAL", _CLEAR, 0, *STAYS)
    return [clear, *[one async for one in commands(source, [key.encode() for key in there])]]


async def _at_once(connection: StoreConnection, steps: list[Command]) -> list[int]:
    """Their answers. Raises JobFailed where one is refused: a server says so before it does any of them."""
    *_, answer = await connection.pipeline([("MULTI",), *steps, ("EXEC",)])
    refused = answer if isinstance(answer, Refusal) else next(filter(_is_refusal, answer), None)
    if refused is not None:
        raise JobFailed(f"the store refuses what the backup has: {refused}")
    return list(answer)


def _is_refusal(answer: object) -> bool:
    return isinstance(answer, Refusal)
