"""re-attach-replica: every server of the store but the primary follows it.

The sentinels see to that, too, but slowly, and not to a replica whose link to the primary stays down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import ClassVar

from services.maintenance.job import Context, Job, JobFailed
from services.maintenance.servers import Servers, ask
from services.platform.settings import Address
from services.platform.store.connection import Lost

SETTLES_SECONDS = 2.0
"""A replica that copies everything, or a promotion, is given so long before anybody interferes."""

ATTACHED_WITHIN_SECONDS = 5.0
_PAUSE_SECONDS = 0.1


class ReAttachReplica(Job):
    name = "re-attach-replica"
    every_days = 1 / 1440
    grows: ClassVar[Mapping[str, str]] = {"store_servers_lost": "Servers of the store that do not follow it."}

    async def run(self, context: Context) -> str:
        servers = context.servers
        if not await _lost(servers):
            return "all follow the primary"
        await asyncio.sleep(SETTLES_SECONDS)
        lost = await _lost(servers)
        for address in lost:
            await _attach(servers, address)
        return f"re-attached: {', '.join(map(str, lost)) or 'nobody, all follow the primary again'}"

    async def measure(self, context: Context) -> Mapping[str, float]:
        return {"store_servers_lost": len(await _lost(context.servers))}


async def _primary(servers: Servers) -> Address:
    primary = await servers.primary()
    if primary is None:
        raise JobFailed("the sentinels do not agree on a primary")
    return primary


async def _lost(servers: Servers) -> list[Address]:
    """Those that do not follow the primary, or cannot be reached. Raises JobFailed."""
    primary = await _primary(servers)
    others = [address for address in servers.addresses if address != primary]
    follow = await asyncio.gather(*(_follows(servers, address, primary) for address in others))
    return [address for address, follows in zip(others, follow, strict=True) if not follows]


async def _follows(servers: Servers, address: Address, primary: Address) -> bool:
    try:
        async with servers.connected(address) as connection:
            role = await ask(connection, "ROLE")
    except Lost:
        return False
    leader = servers.name_of(primary)
    return bool(role[:4] == [b"slave", leader.host.encode(), leader.port, b"connected"])


async def _attach(servers: Servers, address: Address) -> None:
    """Raises JobFailed when it cannot be reached, or does not follow soon."""
    primary = await _primary(servers)
    leader = servers.name_of(primary)
    try:
        async with servers.connected(address) as connection:
            await ask(connection, "REPLICAOF", leader.host, leader.port)
    except Lost as error:
        raise JobFailed(f"a replica cannot be reached: {error}") from error
    try:
        async with asyncio.timeout(ATTACHED_WITHIN_SECONDS):
            while not await _follows(servers, address, primary):  # noqa: ASYNC110 (nobody tells)
                await asyncio.sleep(_PAUSE_SECONDS)
    except TimeoutError:
        raise JobFailed(f"{address} was told to follow {leader}, and does not yet") from None
