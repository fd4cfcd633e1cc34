"""The site in memory, where everything takes effect at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from memory_site.laboratory import Laboratory
from memory_site.parts import PARTS

import chaos.execution
import chaos.faults.calls.injection_point
import chaos.faults.instance.cpu_burn
import chaos.faults.instance.loop_blocked
import chaos.faults.instruments.scrape_fault
from chaos.injector import Injector
from chaos.journal import Entry
from testbed.inventory import Part


@pytest.fixture
def laboratory(tmp_path: Path) -> Iterator[Laboratory]:
    laboratory = Laboratory(tmp_path)
    yield laboratory
    laboratory.lose_controller()


@pytest.fixture(autouse=True)
def swift(monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory everything takes effect at once."""
    monkeypatch.setattr(chaos.execution, "POLL", 0.002)
    monkeypatch.setattr(chaos.execution, "LEASE_MARGIN", 0.05)
    monkeypatch.setattr(chaos.execution, "LOOK_AGAIN", 0.01)
    monkeypatch.setattr(chaos.faults.calls.injection_point, "_SILENCE", 0.02)
    monkeypatch.setattr(chaos.faults.instance.cpu_burn, "_LOOK", 0.005)
    monkeypatch.setattr(chaos.faults.instance.loop_blocked, "_OF_A_PAUSE", 0.01)
    monkeypatch.setattr(chaos.faults.instruments.scrape_fault, "SCRAPE_TIMEOUT", 0.02)


@pytest.fixture
def wait_until() -> Callable[..., None]:
    def wait(condition: Callable[[], object], what: str = "", seconds: float = 5.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
            time.sleep(0.002)

    return wait


@pytest.fixture
def settle(wait_until: Callable[..., None]) -> Callable[[Injector], list[Entry]]:
    """Wait until nothing more happens to any fault."""

    def wait(injector: Injector) -> list[Entry]:
        wait_until(lambda: all(entry.settled for entry in injector.entries()), "every fault settled")
        return injector.entries()

    return wait


@pytest.fixture
def parts() -> tuple[Part, ...]:
    return PARTS
