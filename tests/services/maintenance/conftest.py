"""What jobs work with, on the real servers of tests/services/conftest.py."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.maintenance import trial
from services.maintenance.job import Context
from services.maintenance.servers import Servers
from services.platform import access
from services.platform.access import Access
from services.platform.lab_time import LabTime
from services.platform.metrics import Metrics
from services.platform.settings import Address, Settings
from services.platform.store import Store


def settings_for(sentinels: Any, folder: Path, **extra: str) -> Settings:
    return Settings(
        service="maintenance",
        place="east",
        listen=Address("127.0.0.1", 0),
        pki=folder,
        secrets=folder,
        sentinels=sentinels.addresses,
        extra={"MAINTENANCE": str(folder), **extra},
    )


def servers_of(sentinels: Any, settings: Settings) -> Servers:
    both = (sentinels.pair.primary.address, sentinels.pair.replica.address)
    return Servers(settings, both, Access(access.MAINTENANCE, sentinels.passwords[access.MAINTENANCE]))


@pytest.fixture(autouse=True)
def the_wheels_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Tries backups out, as the servers of these tests are the wheel's, too."""
    monkeypatch.setattr(trial.shutil, "which", lambda name: None)
    trial._server.cache_clear()
    yield
    trial._server.cache_clear()


@pytest.fixture
async def context(sentinels: Any, store: Store, tmp_path: Path) -> AsyncIterator[Context]:
    """With a lab day of ten seconds, and an empty store."""
    settings = settings_for(sentinels, tmp_path)
    servers = servers_of(sentinels, settings)
    try:
        yield Context(settings, LabTime(10), store, servers, Metrics(settings))
    finally:
        await servers.close()
