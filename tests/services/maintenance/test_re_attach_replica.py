"""A replica that has lost its primary follows it again, and a dead one is told."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from services.maintenance.job import Context, JobFailed
from services.maintenance.jobs import re_attach_replica
from services.maintenance.jobs.re_attach_replica import ReAttachReplica
from services.platform.lab_time import LabTime
from services.platform.metrics import Metrics
from services.platform.store import Store

from .conftest import servers_of, settings_for


@pytest.fixture
async def own(own_sentinels, tmp_path, monkeypatch) -> AsyncIterator[Context]:
    """What jobs work with on a pair of this test's own."""
    monkeypatch.setattr(re_attach_replica, "SETTLES_SECONDS", 0.1)
    own_sentinels.wait_until_they_can_promote()
    settings = settings_for(own_sentinels, tmp_path)
    servers = servers_of(own_sentinels, settings)
    store = Store(own_sentinels.addresses, access=own_sentinels.access)
    try:
        yield Context(settings, LabTime(10), store, servers, Metrics(settings))
    finally:
        await servers.close()
        await store.close()


async def test_where_all_follow_nothing_is_done(own, own_sentinels):
    copies = own_sentinels.pair.primary.client.info("stats")["sync_full"]
    assert await ReAttachReplica().run(own) == "all follow the primary"
    assert await ReAttachReplica().measure(own) == {"store_servers_lost": 0}
    assert own_sentinels.pair.primary.client.info("stats")["sync_full"] == copies


async def test_a_replica_that_asks_somebody_else_follows_the_primary_again(own, own_sentinels):
    pair = own_sentinels.pair
    pair.replica.client.replicaof("127.0.0.1", 1)
    assert await ReAttachReplica().measure(own) == {"store_servers_lost": 1}
    assert await ReAttachReplica().run(own) == f"re-attached: {pair.replica.address}"
    assert await ReAttachReplica().measure(own) == {"store_servers_lost": 0}
    pair.wait_for_replica()


async def test_a_replica_that_is_dead_is_a_failure_that_names_it(own, own_sentinels):
    own_sentinels.pair.replica.kill()
    with pytest.raises(JobFailed, match=f"cannot be reached: {own_sentinels.pair.replica.address}"):
        await ReAttachReplica().run(own)
    assert await ReAttachReplica().measure(own) == {"store_servers_lost": 1}
