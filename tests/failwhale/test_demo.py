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

IN_AN_ACT = ("inject", "wait_green")
WHOLE = ("start", "populate", "load", "outages", "report")
STEPS = (*WHOLE, *IN_AN_ACT, "heal")
RESULT = Result(9, 8, 7, 6, {"p50": 0.01, "p99": None}, {}, {}, True, {}, [])


class FakeDriver:
    """Notes what it is asked for, and may be interrupted, or fail, in one of its steps."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.done: list[str] = []
        self.load_goes_on = False
        self.ends_in = ""
        self.by: BaseException | None = None
        self.injected = ""
        self.post = "green"

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
        self.injected = request.id
        self.note("inject")
        row: Any = {
            "id": request.id,
            "fault": "kill",
            "targets": [{"times": {"reverting": None if detach else stamp(1e9)}}],
        }
        return row

    def roll_out(self, version: str, target: str) -> Any:
        assert self.load_goes_on
        self.injected = "r-1"
        self.note("roll_out")
        return SimpleNamespace(id="r-1")

    def roll_back(self, target: str) -> None:
        self.note("roll_back")

    def wait_green(self, seconds: float) -> bool:
        self.note("wait_green")
        return True

    def outages(self, since: float, settle: float) -> list[Felt]:
        self.note("outages")
        causes = [InjectedFault(self.injected, "kill", "post@east", {}, 0.0)]
        post = Felt("post", "down", since, since + 2, causes=causes)
        return [post, Felt("page", "down", since - 9, since - 8)]

    def seconds_without_data(self, since: float, until: float) -> float:
        return 0.0

    def journeys(self) -> dict[str, Any]:
        return {"post": {"state": self.post}}

    def heal(self, listener: object = None) -> Any:
        self.note("heal")
        return {"faults": ["one"], "mended": [], "broken": []}

    def report(self, output: Path) -> Report:
        self.note("report")
        history = History()
        history.outages = [Felt("post", "down", start, start + 1) for start in (1e9, 2e9)]
        return Report(output, history)

    def stop(self, *, purge: bool) -> Stopped:
        assert not self.load_goes_on, "the load is to end before its site"
        self.done.append("stop")
        self.state.site_file.unlink(missing_ok=True)
        return Stopped(Ended(was_up=True))


Play = Callable[..., tuple[int, FakeDriver, str, str]]


@pytest.fixture
def driver(tmp_path: Path) -> FakeDriver:
    return FakeDriver(State(tmp_path / "state"))


@pytest.fixture
def play(
    driver: FakeDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Play:
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
    assert driver.done.count("inject") == 10
    assert "$ failwhale chaos replica-barred store:replica --for 30s --detach" in out


def test_a_release_is_rolled_out_felt_and_rolled_back(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failwhale.demo, "TOUR", [act for act in failwhale.demo.TOUR if act.release])
    monkeypatch.setattr(failwhale.demo.time, "sleep", lambda seconds: None)
    code, driver, out, err = play(1)
    assert code == 0, err
    assert driver.done[4:8] == ["roll_out", "roll_back", "wait_green", "outages"]
    assert "$ failwhale release roll-out 1.2-posts-fail post:all" in out
    assert "$ failwhale release roll-back post:all" in out
    assert "post down for 2s" in out
    assert "after the roll-back began" in out


def test_a_release_that_goes_wrong_is_rolled_back_and_told(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failwhale.demo, "TOUR", [act for act in failwhale.demo.TOUR if act.release])
    monkeypatch.setattr(failwhale.demo.time, "sleep", lambda seconds: None)
    code, driver, out, _ = play(1, "roll_out", Failure("post@west is not ready", "", 1))
    assert code == 1
    assert driver.done[4:7] == ["roll_out", "roll_back", "heal"]
    assert "Not as it should be: post@west is not ready." in out


@pytest.mark.parametrize("step", STEPS)
def test_interrupted_in_any_step_it_takes_everything_down(play: Play, step: str) -> None:
    code, driver, out, err = play(1, step, KeyboardInterrupt())
    assert code == 130
    assert driver.done[-2:] == [step, "stop"]
    assert "Interrupted: taking everything down. No report was written." in out
    assert "Traceback" not in out + err


@pytest.mark.parametrize("step", WHOLE)
def test_a_step_that_fails_is_told_as_its_command_tells_it_when_everything_is_down(
    play: Play, step: str
) -> None:
    code, driver, _, err = play(1, step, Failure("it did not work", "look there", 5))
    assert code == 5
    assert driver.done[-2:] == [step, "stop"]
    assert "failwhale: it did not work\n  look there\n" in err


@pytest.mark.parametrize("step", [*IN_AN_ACT, "heal"])
@pytest.mark.parametrize(
    ("failed_with", "post", "code"), [(5, "unknown", 0), (5, "green", 0), (5, "down", 5), (4, "green", 4)]
)
def test_an_act_that_does_not_end_well_is_told_and_the_next_one_is_played_and_reported(
    play: Play, driver: FakeDriver, step: str, failed_with: int, post: str, code: int
) -> None:
    driver.post = post
    told, _, out, err = play(2, step, Failure("post has no data", "look there", failed_with))
    assert told == code, err
    assert "Not as it should be: post has no data." in out
    assert "2/2  Retweets stop working" in out
    assert "post down for 2s" in out, "what users felt is told all the same"
    assert driver.done[-3:] == ["report", "stop", "stop"]
    assert "The report is " in out
    assert "No report" not in out
    assert ("failwhale: not as it should be" in err) == bool(code)
    assert "look there" not in err, "the site is gone"


@pytest.mark.parametrize(("load", "is_busy"), [(31.0, True), (0.5, False)])
def test_a_machine_that_is_too_busy_is_named(
    play: Play, monkeypatch: pytest.MonkeyPatch, load: float, is_busy: bool
) -> None:
    monkeypatch.setattr("failwhale.demo.os.getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr("failwhale.demo.os.cpu_count", lambda: 2)
    _, _, out, _ = play(1, "inject", Failure("post has no data", "", 5))
    assert ("This machine is too busy (a load of 31 on 2 cores)" in out) == is_busy


def test_what_ends_the_demo_before_its_report_is_said_to_leave_none(play: Play) -> None:
    _, _, out, _ = play(1, "populate", Failure("it did not work"))
    assert "taking everything down. No report was written." in out


def test_it_does_not_advise_what_its_end_makes_impossible(play: Play) -> None:
    _, _, out, _ = play(1)
    assert "no known fault" in out, "the summary of the report"
    assert "outages --all" not in out


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
