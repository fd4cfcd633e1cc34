"""The demo: what it does in which order, and that whatever ends it, everything is taken down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from site_files import write_site

import failwhale.demo
from chaos.fault_rows import FaultRow
from driver.driver import Driver, Report, Stopped
from failwhale.verbs import app
from foundation.clock import stamp
from foundation.console import run
from foundation.failure import Failure
from foundation.state import State
from loadtests.generator import LoadPlan
from loadtests.load import Result
from loadtests.populate import Loaded
from outages.history import History
from outages.model import Felt, InjectedFault
from testbed.runtimes.lifecycle import Ended

STEPS = ("start", "populate", "load", "inject", "wait_green", "outages", "heal", "report")
RESULT = Result(9, 8, 7, 6, {"p50": 0.01, "p99": None}, {}, {}, True, {}, [])


class FakeDriver:
    """Notes what it is asked for, and may be interrupted, or fail, in one of its steps."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.done: list[str] = []
        self.load_goes_on = False
        self.ends_in = ""
        self.by: BaseException | None = None

    def note(self, step: str) -> None:
        self.done.append(step)
        if step == self.ends_in and self.by is not None:
            raise self.by

    def look_ahead(self, wishes: object, on: str) -> str:
        return on

    def start(self, ahead: str, listener: object) -> Any:
        write_site(self.state)
        self.note("start")
        return SimpleNamespace(edges={"east": "https://localhost:1"})

    def populate(self, people: int, seed: int, progress: object) -> Loaded:
        self.note("populate")
        return Loaded(people, 3, 4, 0.1)

    @contextmanager
    def load(self, plan: LoadPlan) -> Iterator[Any]:
        self.load_goes_on = True
        try:
            self.note("load")
            yield SimpleNamespace(result=RESULT)
        finally:
            self.load_goes_on = False

    def inject(self, request: Any, *, detach: bool) -> FaultRow:
        assert self.load_goes_on
        self.note("inject")
        row: Any = {
            "id": request.fault,
            "targets": [{"times": {"reverting": None if detach else stamp(1e9)}}],
        }
        return row

    def wait_green(self, seconds: float) -> bool:
        self.note("wait_green")
        return True

    def outages(self, since: float, settle: float) -> list[Felt]:
        self.note("outages")
        causes = [InjectedFault("kill", "kill", "post@east", {}, 0.0)]
        return [Felt("post", "down", 10.0, 12.0, causes=causes), Felt("page", "down", 1.0, 2.0)]

    def heal(self, listener: object) -> Any:
        self.note("heal")
        return {"faults": ["one"], "mended": [], "broken": []}

    def report(self, output: Path) -> Report:
        self.note("report")
        return Report(output, History())

    def stop(self, *, purge: bool) -> Stopped:
        assert not self.load_goes_on, "the load is to end before its site"
        self.done.append("stop")
        self.state.site_file.unlink(missing_ok=True)
        return Stopped(Ended(was_up=True))


Play = Callable[..., tuple[int, FakeDriver, str, str]]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Play:
    driver = FakeDriver(State(tmp_path / "state"))
    monkeypatch.setattr(failwhale.demo, "Driver", lambda state: driver)

    def play(acts: int, ends_in: str = "", by: BaseException | None = None) -> Any:
        driver.ends_in, driver.by = ends_in, by
        words = ["demo", "--acts", str(acts), "--state", str(driver.state.path)]
        code = run(app, "failwhale", [*words, "--output", str(tmp_path / "report.html")])
        return code, driver, *capsys.readouterr()

    return play


def test_it_does_what_it_shows(play: Play) -> None:
    code, driver, out, err = play(2)
    assert code == 0, err
    act = ["inject", "wait_green", "outages"]
    assert driver.done == [
        *("stop", "start", "populate", "load"),
        *(*act, *act),
        *("inject", "heal", "wait_green", "report", "stop", "stop"),
    ]
    shown = [line.strip() for line in out.splitlines() if "$ failwhale" in line]
    assert [line.split()[2:4] for line in shown] == [
        ["up", "--on=processes"],
        ["populate", "--people=500"],
        ["load", "steady"],
        ["chaos", "kill"],
        ["chaos", "kill"],
        ["chaos", "kill"],
        ["chaos", "heal"],
        ["report", f"--output={driver.state.path.parent}/report.html"],
        ["down", "--purge"],
    ]
    assert "1/2  One replica of two dies" in out
    assert "post down for 2s" in out
    assert "page" not in out, "what has no fault of ours as its cause is not told of it"
    assert "undid 1 fault; every part is ready" in out
    assert "Load: 8 requests sent, 6 good, p50 10ms" in out


def test_faults_of_one_act_begin_one_after_the_other_and_the_last_is_waited_for(play: Play) -> None:
    _, driver, out, _ = play(9)
    assert driver.done.count("inject") == 11
    assert "$ failwhale chaos bar-replica store:replica --for 30s --detach" in out


@pytest.mark.parametrize("step", STEPS)
def test_interrupted_in_any_step_it_takes_everything_down(play: Play, step: str) -> None:
    code, driver, out, err = play(1, step, KeyboardInterrupt())
    assert code == 130
    assert driver.done[-2:] == [step, "stop"]
    assert "Interrupted: taking everything down. No report was written." in out
    assert "Traceback" not in out + err


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_fails_is_told_as_its_command_tells_it_when_everything_is_down(
    play: Play, step: str
) -> None:
    code, driver, _, err = play(1, step, Failure("it did not work", "look there", 5))
    assert code == 5
    assert driver.done[-2:] == [step, "stop"]
    assert "failwhale: it did not work\n  look there\n" in err


def test_interrupted_while_the_site_is_first_written_down_it_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "state"

    def start(*_: object, **__: object) -> None:
        state.mkdir()
        (state / "site.json.123.456").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(Driver, "start", start)
    assert run(app, "failwhale", ["demo", "--state", str(state)]) == 130
    assert not state.exists()


def test_a_folder_that_holds_other_things_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("the only copy")
    assert run(app, "failwhale", ["demo", "--state", str(tmp_path)]) == 2
    assert "holds other things (thesis.txt) and no site" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").exists()
