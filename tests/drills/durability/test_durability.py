"""What losses come to in each mode: what breaks a promise, what was announced, and what is not known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

import drills.durability.comparison
import drills.durability.trial
from drills.durability.comparison import LossResult, ModeResult, compare, exit_code, modes_named
from drills.durability.loss import LOSSES
from drills.durability.telling import cells_of, lines_after, row_of
from drills.durability.trial import Trial, lose
from driver.driver import Driver
from foundation.failure import Failure
from foundation.state import State
from loadtests.findings import Finding, Findings
from loadtests.load import Operation, Result

KEPT = Trial(100, 0, 0, 5)
NO_LATENCY = dict.fromkeys(("p50", "p90", "p99", "p999"))


def result(*trials: Trial, failures: tuple[str, ...] = ()) -> ModeResult:
    return ModeResult("reported", 0.005, 0.0125, [LossResult(LOSSES[0], trials, failures)])


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (result(KEPT), 0),
        (result(KEPT, replace(KEPT, announced=7)), 0),
        (result(KEPT, replace(KEPT, because="nothing was acknowledged")), 4),
        (result(KEPT, failures=("not green in time: post",)), 4),
        (result(KEPT, replace(KEPT, lost=1), failures=("not green in time: post",)), 1),
    ],
)
def test_only_what_was_said_to_be_safe_breaks_a_promise(one: ModeResult, code: int) -> None:
    assert exit_code([result(KEPT), one]) == code


def test_it_is_told_in_numbers_and_words() -> None:
    one = result(*[replace(KEPT, announced=announced) for announced in (0, 1, 2, 3, 4)], failures=("no",))
    (cells,) = cells_of(one)
    assert cells[:5] == ("reported", "5.0 ms", "12.5 ms", "primary", "500")
    assert cells[5].startswith("2.0 (0.")
    assert cells[6:] == ("0", "5.0 (5.0 to 5.0)")
    row = row_of(one)
    assert row["losses"][0]["lost"] == {"although_replicated": 0, "as_announced": 10}
    assert row["losses"][0]["trials"] == 5
    lines = list(lines_after([one]))
    assert lines[0].startswith("reported: a write is acknowledged once")
    assert "not known: reported, primary: no" in lines


UNKNOWN = Trial(0, 0, 0, 5, because="the site cannot be reached")


def test_a_trial_of_which_nothing_is_known_is_no_trial_without_a_loss() -> None:
    one = result(*[replace(KEPT, announced=10)] * 5, UNKNOWN)
    row = row_of(one)["losses"][0]
    assert row["gone"] == {"mean": 10.0, "low": 10.0, "high": 10.0}
    assert (row["acknowledged"], row["lost"]) == (500, {"although_replicated": 0, "as_announced": 50})
    assert row["unknown"] == ["the site cannot be reached"]


@pytest.mark.parametrize(
    ("trial", "cells", "lost"),
    [
        (UNKNOWN, ("-", "-", "-", "5.0"), {"although_replicated": None, "as_announced": None}),
        (
            replace(UNKNOWN, acknowledged=9, lost=2),
            ("9", "-", "2", "5.0"),
            {"although_replicated": 2, "as_announced": None},
        ),
    ],
    ids=["nothing is known", "some are seen to be gone"],
)
def test_what_nobody_can_say_is_not_told_as_zero(
    trial: Trial, cells: tuple[str, ...], lost: dict[str, int | None]
) -> None:
    one = result(trial)
    (told,) = cells_of(one)
    assert told[4:] == cells
    assert row_of(one)["losses"][0]["lost"] == lost


def test_the_modes_are_those_that_a_site_has() -> None:
    from services.platform.settings import Replication

    assert set(modes_named([])) == set(Replication.__args__)  # type: ignore[attr-defined]
    assert modes_named(["required", "required"]) == ("required",)
    with pytest.raises(Failure, match="no mode is named 'requird'"):
        modes_named(["requird"])


class FakeDriver:
    """Says what was done in `trace`."""

    def __init__(self, state: State, found: Findings, trace: list[str]) -> None:
        self.state, self.found, self.trace = state, found, trace

    def look_ahead(self, wishes: Any, on: str, settings: dict[str, str]) -> str:
        return settings["FAILWHALE_REPLICATION"]

    def start(self, ahead: str) -> None:
        self.trace.append(f"start {ahead}")

    def stop(self, *, purge: bool) -> None:
        self.trace.append("stop")

    def populate_if_empty(self, tell: Any) -> None:
        pass

    def wait_green(self, seconds: float) -> None:
        pass

    @contextmanager
    def load(self, plan: Any) -> Iterator[Any]:
        yield FakeLoad()

    def inject(self, request: Any, *, detach: bool) -> dict[str, str]:
        self.trace.append(f"{request.fault} {request.target}")
        return {"id": request.fault}

    def end(self, identifier: str) -> None:
        self.trace.append(f"end {identifier}")

    def heal(self) -> None:
        self.trace.append("heal")

    def verdict(self, load: str) -> Findings:
        return self.found


class FakeLoad:
    elapsed = 1.0

    def __init__(self) -> None:
        import threading

        self.over = threading.Event()
        self.over.set()
        operations = [
            Operation("POST /posts", 10, 8, {**NO_LATENCY, "p50": 0.004, "p90": 0.02}),
            Operation("GET /timelines/home", 50, 40, NO_LATENCY),
            Operation("DELETE /posts/{id}/retweet", 3, 2, NO_LATENCY),
        ]
        self.result = Result(63, 63, 63, 50, NO_LATENCY, {}, {}, True, NO_LATENCY, operations)


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drills.durability.trial, "BEFORE_SECONDS", 0.0)
    monkeypatch.setattr(drills.durability.trial, "AWAY_SECONDS", 0.0)
    monkeypatch.setattr(drills.durability.trial, "wait_for_a_replica", lambda driver: None)


def found(**more: Any) -> Findings:
    return replace(Findings(True, "all is there", acknowledged=30, changes=12, replicated=42), **more)


def test_writes_that_failed_are_counted_and_reads_are_not(tmp_path: Path) -> None:
    post = Finding("1", "ann", "the site")
    findings = found(lost=[post], returned=[post], lost_as_announced=[post])
    driver = FakeDriver(State(tmp_path), findings, [])
    assert lose(cast(Driver, driver), LOSSES[0], 3) == Trial(42, 2, 1, 3)


def test_a_replica_that_stands_still_is_let_go_after_the_primary_is_back(tmp_path: Path) -> None:
    driver = FakeDriver(State(tmp_path), found(), [])
    lose(cast(Driver, driver), LOSSES[1], 3)
    kill = ["kill store:primary", "end kill"]
    assert driver.trace == ["replication-cut store:replica", *kill, "end replication-cut"]


@pytest.mark.parametrize(
    ("findings", "because"),
    [
        (found(), ""),
        (found(holds=None, because="too few were said to be replicated"), ""),
        (found(holds=None, because="one is unknown", unknown=[Finding("1", "ann", "x")]), "one is unknown"),
        (found(acknowledged=0), ""),
        (
            found(holds=False, because="2 duplicated", duplicated=[Finding("1", "ann", "x")] * 2),
            "2 duplicated",
        ),
        (Findings(None, "the site cannot be reached"), "the site cannot be reached"),
    ],
)
def test_what_could_not_be_looked_at_is_not_known(tmp_path: Path, findings: Findings, because: str) -> None:
    driver = FakeDriver(State(tmp_path), findings, [])
    assert lose(cast(Driver, driver), LOSSES[0], 3).because == because


def test_each_mode_has_a_site_of_its_own_and_none_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace: list[str] = []
    monkeypatch.setattr(
        drills.durability.comparison, "Driver", lambda state: FakeDriver(state, found(), trace)
    )
    told: list[str] = []
    results = compare(State(tmp_path), ("off", "required"), 1, 3, told.append)
    assert [line for line in trace if line.startswith(("start", "stop"))] == [
        *("stop", "start off", "stop"),
        *("stop", "start required", "stop"),
    ]
    assert [(one.mode, one.p50, one.p90, len(one.losses)) for one in results] == [
        ("off", 0.004, 0.02, 2),
        ("required", 0.004, 0.02, 2),
    ]
    assert told[:2] == ["off: a site comes up", "off: the primary dies, and its replica was in step"]


def test_a_loss_that_cannot_be_tried_is_healed_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace: list[str] = []

    class Refusing(FakeDriver):
        def inject(self, request: Any, *, detach: bool) -> dict[str, str]:
            raise Failure("faults are blocked")

    monkeypatch.setattr(drills.durability.comparison, "Driver", lambda state: Refusing(state, found(), trace))
    (one,) = compare(State(tmp_path), ("off",), 1, 3, lambda line: None)
    assert [loss.failures for loss in one.losses] == [["faults are blocked"]] * 2
    assert trace == ["stop", "start off", "heal", "heal", "stop"]
    assert exit_code([one]) == 4
