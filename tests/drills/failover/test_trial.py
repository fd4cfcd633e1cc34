"""A loss that cannot be tried is untested, and whatever breaks one off is healed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

import drills.failover.trial
from drills.failover.trial import Trial, lose
from drills.failover.way import ways_named
from driver.driver import Driver
from foundation.failure import Failure
from foundation.state import State

(EDGE,) = ways_named(["edge-east"])


class FakeDriver:
    """Says what was done in `trace`; `breaks` is raised where something is to be lost."""

    def __init__(self, path: Path, breaks: BaseException | None = None, green: bool = True) -> None:
        self.state = State(path)
        self.breaks = breaks
        self.green = green
        self.has_prober = True
        self.hurt_by_people = False
        self.left = ""
        self.trace: list[str] = []

    def wait_until_decided(self, until: float, but: Collection[str]) -> None:
        pass

    def wait_green(self, seconds: float) -> bool:
        if not self.green:
            raise Failure("not green in time: post")
        if self.hurt_by_people and self.trace:
            raise Failure("not green in time: login")
        return self.has_prober

    @contextmanager
    def load(self, plan: Any) -> Iterator[None]:
        self.trace.append("load")
        yield
        self.trace.append("load ends")

    def inject(self, request: Any, *, detach: bool) -> Any:
        self.trace.append(f"{request.fault} {request.target}")
        if self.breaks is not None:
            raise self.breaks
        return {"id": "kill-1"}

    def heal(self) -> None:
        self.trace.append("heal")
        if self.left:
            raise Failure(self.left)


@pytest.fixture(autouse=True)
def no_site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drills.failover.trial, "wait_for_a_replica", lambda driver: None)
    monkeypatch.setattr(drills.failover.trial, "WRITES_BEFORE", 0.0)
    monkeypatch.setattr("drills.failover.promotion.Site", lambda state: None)


def tried(driver: FakeDriver, told: list[str] | None = None) -> Trial:
    return lose(cast(Driver, driver), EDGE, 3, ([] if told is None else told).append)


def test_a_site_that_is_not_well_before_is_not_tried(tmp_path: Path) -> None:
    driver = FakeDriver(tmp_path, green=False)
    trial = tried(driver)
    assert trial.judged.verdict is None
    assert trial.judged.because == "not well before: not green in time: post"
    assert driver.trace == []


def test_what_is_refused_is_untested_and_nothing_of_it_stays(tmp_path: Path) -> None:
    driver = FakeDriver(tmp_path, Failure("faults are blocked"))
    trial = tried(driver)
    assert (trial.judged.verdict, trial.judged.because) == (None, "faults are blocked")
    assert driver.trace == ["load", "kill frontend@east", "heal"]


def test_who_breaks_it_off_is_told_that_everything_is_undone(tmp_path: Path) -> None:
    driver, told = FakeDriver(tmp_path, KeyboardInterrupt()), []
    with pytest.raises(KeyboardInterrupt):
        tried(driver, told)
    assert driver.trace[-1] == "heal"
    assert told[-1] == "broken off: everything is being undone"


def test_what_is_left_after_it_was_broken_off_is_told(tmp_path: Path) -> None:
    driver, told = FakeDriver(tmp_path, KeyboardInterrupt()), []
    driver.left = "kill-1 is left"
    with pytest.raises(KeyboardInterrupt):
        tried(driver, told)
    assert told[-1] == "not undone: kill-1 is left"


def test_where_nobody_sees_how_users_fare_nothing_is_lost(tmp_path: Path) -> None:
    driver = FakeDriver(tmp_path)
    driver.has_prober = False
    trial = tried(driver)
    assert trial.judged.verdict is None
    assert "no prober" in trial.judged.because
    assert driver.trace == []


def test_where_the_people_themselves_hurt_the_site_nothing_is_lost(tmp_path: Path) -> None:
    driver = FakeDriver(tmp_path)
    driver.hurt_by_people = True
    trial = tried(driver)
    assert (trial.judged.verdict, trial.judged.because) == (None, "not green in time: login")
    assert "kill frontend@east" not in driver.trace
