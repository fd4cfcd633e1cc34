"""Time: a clock that nobody sets, and how the wall clock was set while a ledger was written."""

from __future__ import annotations

import time
from typing import Any

import pytest

from foundation import clock
from foundation.clock import STEP, Clock, Setting, stamp

WALL, UP = 1_700_000_000.0, 5_000.0


def line(up: float, set_by: float = 0.0, boot: str = "one", **fields: Any) -> dict[str, Any]:
    """A record of a machine whose wall clock was set by so many seconds since the beginning."""
    return {"at": stamp(WALL + up - UP + set_by), "kind": "x", "up": up, "boot": boot, **fields}


def test_a_reading_has_the_present_by_both_clocks() -> None:
    reading = Clock().reading()
    assert abs(clock.parse(reading["at"]) - time.time()) < 5
    assert abs(reading["up"] - clock.steady()) < 5
    assert reading["boot"] == clock.boot()


def test_a_clock_measures_on_and_is_outdated_until_it_settles(monkeypatch: pytest.MonkeyPatch) -> None:
    wall = time.time
    taken = Clock()
    before, said = taken.now(), taken.wall(5.0)
    assert not taken.is_outdated()
    assert taken.settle() == 0.0
    monkeypatch.setattr(time, "time", lambda: wall() - 7.0)
    assert taken.is_outdated()
    assert abs(taken.wall(5.0) - said) < STEP
    assert taken.settle() == pytest.approx(-7.0, abs=0.01)
    assert taken.wall(5.0) == pytest.approx(said - 7.0, abs=0.01)
    assert not taken.is_outdated()
    assert 0 <= taken.now() - before < 5


def test_a_clock_follows_what_is_less_than_a_step_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    wall = time.time
    taken = Clock()
    said = taken.wall(5.0)
    monkeypatch.setattr(time, "time", lambda: wall() + STEP / 2)
    assert not taken.is_outdated()
    assert taken.settle() == 0.0
    assert taken.wall(5.0) == pytest.approx(said + STEP / 2, abs=0.01)


def test_being_interrupted_between_two_readings_is_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, steady = Clock(), clock.steady
    late = iter([0.0, 3.0])
    monkeypatch.setattr(clock, "steady", lambda: steady() + next(late, 3.0))
    monkeypatch.setattr(time, "time", lambda real=time.time: real() + 3.0)
    assert not taken.is_outdated()


def test_a_step_shows_in_the_first_record_after_it() -> None:
    setting = Setting()
    moved = [setting.step(line(UP + second, set_by)) for second, set_by in enumerate([0, 0, 10, 10, 7])]
    assert moved == pytest.approx([0, 0, 10, 0, -3], abs=1e-5)
    assert [pytest.approx(step, abs=1e-5) for step in setting.steps] == [
        (WALL + 2, 10.0),
        (WALL + 3 + 11, -3.0),
    ]


def test_small_steps_add_up_to_one() -> None:
    setting = Setting()
    moved = [setting.step(line(UP, STEP * number * 0.4)) for number in range(4)]
    assert moved[:3] == [0.0, 0.0, 0.0]
    assert moved[3] == pytest.approx(STEP * 1.2, abs=1e-5)


@pytest.mark.parametrize(
    "record",
    [
        {"at": stamp(WALL), "kind": "x"},
        {**line(UP), "up": "x"},
        {**line(UP), "at": "?"},
        {**line(UP), "up": None},
    ],
)
def test_a_record_without_a_reading_says_nothing_about_the_clock(record: dict[str, Any]) -> None:
    setting = Setting()
    assert setting.step(line(UP)) == 0.0
    assert setting.step(record) == 0.0
    assert setting.step(line(UP + 1, 10)) == pytest.approx(10, abs=1e-5)


def test_over_a_restart_of_the_machine_the_wall_clock_is_believed() -> None:
    setting = Setting()
    assert setting.step(line(UP)) == 0.0
    assert setting.step(line(30.0, UP + 100, boot="two")) == 0.0
    assert setting.step(line(31.0, UP + 110, boot="two")) == pytest.approx(10, abs=1e-5)


def test_what_was_noted_by_the_wall_clock_is_told_as_it_is_now() -> None:
    setting = Setting()
    for second, set_by in ((0, 0), (10, 10), (40, 5)):
        setting.step(line(UP + second, set_by))
    # Noted 5, 20 and 47 s after the beginning, each by the clock of then. After a step back times come
    # again; who takes samples in their order only, as Prometheus does, has none of the second time.
    for second, noted in ((5, WALL + 5), (20, WALL + 20 + 10), (47, WALL + 47 + 5)):
        assert setting.told_now(noted) == pytest.approx(WALL + second + 5, abs=1e-4)
    first, last = setting.as_noted(WALL + 5, WALL + 41 + 5)
    assert first == pytest.approx(WALL, abs=1e-4)
    assert last == pytest.approx(WALL + 50, abs=1e-4)


def test_a_clock_that_was_never_set_tells_everything_as_it_was_noted() -> None:
    setting = Setting()
    assert setting.told_now(WALL) == WALL
    assert setting.as_noted(WALL, WALL + 1) == (WALL, WALL + 1)
