"""Harmless small faults, drawn by a seed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import islice

import pytest

import chaos.noise
from chaos.catalogue import all_faults
from chaos.fault import Fault, Harmless
from chaos.noise import Drawn, draw, make
from foundation.failure import Failure
from foundation.state import State

HARMLESS = [fault for fault in all_faults() if fault.harmless]
DOSE = Harmless("post:any", {"delay": 0.08}, 0.0)


def drawn(seed: int, runtime: str = "processes") -> list[Drawn]:
    return list(islice(draw(seed, runtime), 50))


def test_a_seed_draws_the_same_again_and_another_one_something_else() -> None:
    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


def test_only_what_a_fault_calls_harmless_is_drawn_where_it_can_be_done() -> None:
    for runtime in ("processes", "docker"):
        possible = {(fault.name, dose.target) for fault in HARMLESS for dose in fault.harmless}
        assert {(one.fault, one.dose.target) for one in drawn(1, runtime)} <= possible
        assert {one.fault for one in drawn(1, runtime)} <= {
            fault.name for fault in HARMLESS if runtime in fault.runtimes
        }


@pytest.mark.parametrize("fault", HARMLESS, ids=lambda fault: fault.name)
def test_every_dose_is_a_request_that_the_fault_takes_and_ends_soon(fault: Fault) -> None:
    for dose in fault.harmless:
        fault.check(dose.parameters)
        assert dose.target.partition(":")[0] in fault.targets
        assert dose.seconds <= 5


class Begun:
    """Stands for the controller: keeps what it was asked for."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def __call__(self, state: State, request: object, *, detach: bool) -> dict[str, str]:
        self.reasons.append(request.reason)  # type: ignore[attr-defined]
        if len(self.reasons) == 2:
            raise Failure("post@east is paused")
        return {"id": f"latency-{len(self.reasons)}"}


def test_one_that_is_refused_is_told_and_the_next_one_is_tried(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    begun = Begun()
    monkeypatch.setattr(chaos.noise.following, "begin", begun)
    told: list[str] = []
    three: Iterator[Drawn] = (Drawn("latency", DOSE, number) for number in range(3))
    number = make(State("unused"), three, 7, 0.0, None, lambda row, why: told.append(why or str(row)))
    assert number == 2
    assert begun.reasons == ["noise of seed 7"] * 3
    assert "post@east is paused" in told[1]


def test_who_cuts_the_pause_short_draws_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chaos.noise.following, "begin", begun := Begun())
    over = threading.Event()

    def until_over() -> Iterator[Drawn]:
        while not over.is_set():
            yield Drawn("latency", DOSE, 1)

    def told(row: object, why: str) -> None:
        over.set()

    number = make(State("unused"), until_over(), 7, 60.0, None, told, over.wait)
    assert (number, len(begun.reasons)) == (1, 1)


def test_it_ends_before_a_dose_would_outlast_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chaos.noise.following, "begin", Begun())
    long = Drawn("latency", Harmless("post:any", {}, 60.0), 1)
    assert make(State("unused"), [long], 7, 0.0, 30.0, lambda row, why: None) == 0
