"""A fake site and a prober in front of it, faster than in real life so that tests are short."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fake_site import FakeSite
from prober_under_test import Running

from outages import fixture_upkeep, journey_probe, journeys, visit


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[FakeSite]:
    async with FakeSite(tmp_path) as site:
        yield site


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything more often and a little more impatient; a busy machine must not look like a broken site."""
    monkeypatch.setattr(journey_probe, "NORMAL_EVERY", 0.2)
    monkeypatch.setattr(journey_probe, "TROUBLED_EVERY", 0.1)
    monkeypatch.setattr(visit, "PRECONDITION_SECONDS", 1.5)
    monkeypatch.setattr(fixture_upkeep, "ROUND_SECONDS", 0.1)
    monkeypatch.setattr(fixture_upkeep, "ENROL_EVERY", 0.05)
    monkeypatch.setattr(fixture_upkeep, "AUDIENCE", 0)
    monkeypatch.setattr(fixture_upkeep, "AUDIENCE_EVERY", 0.05)
    monkeypatch.setattr(
        journeys,
        "ALL",
        tuple(dataclasses.replace(journey, limit=2.0, slow=1.0) for journey in journeys.ALL),
    )


@pytest.fixture
async def make_running(site: FakeSite, tmp_path: Path) -> AsyncIterator[Callable[[], Running]]:
    """Starts probers with one record folder; they are stopped at the end."""
    started = []

    def make() -> Running:
        started.append(Running(site, tmp_path / "record"))
        return started[-1]

    yield make
    for running in started:
        await running.stop()


@pytest.fixture
async def running(quick: None, make_running: Callable[[], Running]) -> Running:
    """A prober that has seen every journey green."""
    running = make_running()
    await running.all_green()
    return running
