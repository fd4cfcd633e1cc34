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
from driver.driver import Driver, Report, Stopped
from failwhale.demo import TOUR
from failwhale.verbs import app
from foundation.console import run
from foundation.failure import Failure
from foundation.state import State
from incidents.incident import Incident
from incidents.judge import Finding, Outcome
from incidents.observer import Tell
from incidents.result import Manner, Result
from loadtests.generator import LoadPlan
from loadtests.load import Result as Loading
from loadtests.populate import Loaded
from outages.history import History
from outages.model import Felt
from testbed.runtimes.lifecycle import Ended

WHOLE = ("start", "populate", "load", "report")
STEPS = (*WHOLE, "play", "inject", "wait_green", "heal")
RESULT = Loading(9, 8, 7, 6, {"p50": 0.01, "p99": None}, {}, {}, True, {}, [])


class FakeDriver:
    """Notes what it is asked for, and may be interrupted, or fail, in one of its steps."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.done: list[str] = []
        self.load_goes_on = False
        self.ends_in = ""
        self.by: BaseException | None = None
        self.post = "green"
        self.outcome = Outcome.AS_EXPECTED
        self.played: list[tuple[str, Manner]] = []

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

    def play(self, _: object, incident: Incident, manner: Manner, tell: Tell) -> Result:
        assert self.load_goes_on
        tell("story", f"{incident.title}. Look for: {incident.look_for}")
        self.note("play")
        self.played.append((incident.id, manner))
        finding = Finding("retweet is down within 6s", self.outcome is Outcome.AS_EXPECTED, "after 300ms")
        return Result(incident, manner, self.outcome, [finding], 1e9, 1e9 + 9)

    def inject(self, request: Any, *, detach: bool) -> None:
        assert detach
        self.note("inject")

    def wait_green(self, seconds: float) -> bool:
        self.note("wait_green")
        return True

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
    monkeypatch.setattr(failwhale.demo, "play", driver.play)

    def play(incidents: int, ends_in: str = "", by: BaseException | None = None) -> Any:
        driver.ends_in, driver.by = ends_in, by
        words = ["demo", "--incidents", str(incidents), "--state", str(driver.state.path)]
        code = run(app, "failwhale", [*words, "--output", str(tmp_path / "report.html")])
        return code, driver, *capsys.readouterr()

    return play


def test_it_does_what_it_shows(play: Play) -> None:
    code, driver, out, err = play(3)
    assert code == 0, err
    assert driver.done == [
        *("stop", "start", "populate", "load", "play", "play", "play"),
        *("inject", "heal", "wait_green", "report", "stop", "stop"),
    ]
    shown = [line.split("$ failwhale ")[1].split() for line in out.splitlines() if "$ failwhale" in line]
    assert [words[:2] for words in shown] == [
        ["up", "--on=processes"],
        ["populate", "--people=500"],
        ["load", "steady"],
        *[["incident", "run"]] * 3,
        ["chaos", "kill"],
        ["chaos", "heal"],
        ["report", f"--output={driver.state.path.parent}/report.html"],
        ["down", "--purge"],
    ]
    assert "1/3  $ failwhale incident run replica-lost\n" in out
    assert "One replica of two dies, and hardly anybody notices. Look for: " in out
    assert "retweets-fail: as-expected, after 9s" in out
    assert "undid 1 fault; every part is ready" in out
    assert "Load: 8 requests sent, 6 good, p50 10ms" in out


def test_each_incident_is_played_in_the_manner_that_its_command_says(play: Play) -> None:
    _, driver, out, _ = play(len(TOUR))
    assert driver.played == [(scene.incident, scene.manner) for scene in TOUR]
    assert "3/9  $ failwhale incident run retweets-fail --control wrong-fix\n" in out
    assert "4/9  $ failwhale incident run bad-release --mitigate\n" in out


def test_it_ends_with_a_failover_that_works_and_one_that_does_not() -> None:
    assert [scene.incident for scene in TOUR[-2:]] == ["store-primary-lost", "failover-standby-barred"]


@pytest.mark.parametrize(("load", "code"), [(0.5, 1), (31.0, 0)])
def test_what_does_not_come_out_as_expected_counts_but_on_a_machine_that_is_too_busy(
    play: Play, driver: FakeDriver, monkeypatch: pytest.MonkeyPatch, load: float, code: int
) -> None:
    monkeypatch.setattr("failwhale.demo.os.getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr("failwhale.demo.os.cpu_count", lambda: 2)
    driver.outcome = Outcome.DEVIATED
    told, _, out, err = play(2)
    assert told == code
    assert "retweets-fail: deviated, after 9s" in out
    assert ("This machine is too busy (a load of 31 on 2 cores)" in out) == (code == 0)
    first = "not as expected 2 times, first: replica-lost: deviated: retweet is down within 6s: after 300ms"
    assert (first in err) == bool(code)
    assert "The report is " in out


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


@pytest.mark.parametrize("step", ["play", "inject", "wait_green", "heal"])
@pytest.mark.parametrize(
    ("failed_with", "post", "code"), [(5, "unknown", 0), (5, "green", 0), (5, "down", 5), (4, "green", 4)]
)
def test_what_cannot_be_done_is_told_and_the_next_is_played_and_reported(
    play: Play, driver: FakeDriver, step: str, failed_with: int, post: str, code: int
) -> None:
    driver.post = post
    told, _, out, err = play(2, step, Failure("post has no data", "look there", failed_with))
    assert told == code, err
    assert "Not as it should be: post has no data." in out
    assert "2/2  $ failwhale incident run retweets-fail" in out
    assert driver.done[-3:] == ["report", "stop", "stop"]
    assert "The report is " in out
    assert "No report" not in out
    assert ("failwhale: not as expected" in err) == bool(code)
    assert "look there" not in err, "the site is gone"


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
