"""A run on a site in memory: steady state first, everything ended whatever happens, controls that count."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import incidents.fixes
import incidents.observer
import incidents.runner
from foundation.failure import USAGE, Failure
from foundation.ledger import Ledger
from foundation.state import State
from incidents.incident import Expectation, Incident, Sign
from incidents.judge import Outcome
from incidents.planned import PlannedInjection, PlannedRelease
from incidents.result import Control, Manner
from incidents.runner import play
from outages.history import history_of
from outages.model import Felt, Page
from outages.prometheus import BadQuery

JOURNEYS = ("retweet", "post")


class FakeDriver:
    """A site on which a fault hurts `retweet` until it is ended, or healed, or the right thing is typed."""

    def __init__(self, folder: Path) -> None:
        self.state = State(folder)
        self.in_force: list[str] = []
        self.hurt_since: float | None = None
        self.felt: list[Felt] = []
        self.asked: list[str] = []
        self.healed = 0
        self.refuses = ""

    def active(self) -> list[dict[str, str]]:
        return [{"id": one} for one in self.in_force]

    def journeys(self) -> dict[str, Any]:
        hurt = self.hurt_since is not None
        return {name: {"state": "down" if hurt and name == "retweet" else "green"} for name in JOURNEYS}

    def wait_until_decided(self, until: float, but: Collection[str]) -> None:
        pass

    def wait_green(self, seconds: float) -> bool:
        if self.hurt_since is not None:
            raise Failure("not green in time: retweet")
        return True

    def inject(self, request: Any, *, detach: bool) -> None:
        assert detach
        if self.refuses:
            raise Failure(self.refuses)
        self.asked.append(f"{request.fault} {request.target} {request.seconds:g}")
        self.in_force.append(request.id)
        self.hurt_since = time.time()

    def end(self, identifier: str) -> None:
        if identifier in self.in_force:
            self.in_force.remove(identifier)
            self.be_well()

    def heal(self) -> None:
        self.healed += 1
        self.in_force.clear()
        self.be_well()

    def be_well(self) -> None:
        if self.hurt_since is not None:
            self.felt.append(Felt("retweet", "down", self.hurt_since, time.time()))
            self.hurt_since = None

    def outages(self, since: float, settle: float) -> list[Felt]:
        return list(self.felt)

    def pages(self, since: float, until: float) -> list[Page]:
        return []

    def seconds_without_data(self, since: float, until: float) -> float:
        return 0.0


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDriver:
    made = FakeDriver(tmp_path)
    monkeypatch.setattr(incidents.runner, "refuse_down", lambda state: None)
    monkeypatch.setattr(incidents.runner, "judge_rule_sets", lambda *_: {})
    monkeypatch.setattr(incidents.runner, "WELL_FOR", 0.2)
    monkeypatch.setattr(incidents.runner, "WRONG_FIX_SECONDS", 0.5)
    monkeypatch.setattr(incidents.observer, "journeys_now", lambda state: made.journeys())
    monkeypatch.setattr(incidents.observer, "LOOK_EVERY", 0.02)
    return made


@pytest.fixture
def short(incident: Incident) -> Incident:
    """Without signs, for there is no Prometheus here."""
    injection = PlannedInjection("errors", "retweet:all", "300ms")
    return replace(incident, expect=Expectation(hurt={"retweet": "down"}), injections=(injection,))


@pytest.fixture
def typed(driver: FakeDriver, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is typed; only the mitigation helps."""
    commands: list[str] = []

    def carry_out(state: State, command: str) -> str:
        commands.append(command)
        if command == "failwhale ops restart retweet:all":
            driver.be_well()
        return ""

    monkeypatch.setattr(incidents.runner, "carry_out", carry_out)
    return commands


def test_it_is_as_expected_and_nothing_is_left_in_force(driver: Any, short: Incident) -> None:
    result = play(driver, short, Manner())
    assert (result.outcome, result.is_good) == (Outcome.AS_EXPECTED, True)
    assert driver.asked == ["errors retweet:all 0.3"]
    assert driver.in_force == []
    kinds = [record["kind"] for record in Ledger(driver.state.ledger).read()]
    assert kinds == ["incident.started", "incident.finished"]


def test_a_release_stays_from_when_it_is_everywhere(
    driver: Any, short: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers take seconds to be replaced: counted from the beginning, it would hardly have been there."""
    took, lasts, rolled_out = 0.4, 0.3, []

    def roll_out(version: str, target: str) -> None:
        time.sleep(took)
        rolled_out.append(time.monotonic())
        driver.hurt_since = time.time()

    def runs(run: object, release: object) -> bool:
        rolled_out.append(time.monotonic())
        driver.be_well()
        return False

    driver.roll_out = roll_out
    monkeypatch.setattr(incidents.runner._Run, "_runs", runs)
    release = PlannedRelease("1.2-posts-fail", "post:all", f"{round(1000 * lasts)}ms")
    result = play(driver, replace(short, release=release, injections=()), Manner())
    assert result.outcome is Outcome.AS_EXPECTED
    everywhere, ended = rolled_out
    assert ended - everywhere >= lasts - 0.05


def test_without_what_is_injected_it_deviates_and_that_is_as_it_has_to_be(
    driver: Any, short: Incident
) -> None:
    result = play(driver, short, Manner(control=Control.NO_OP))
    assert driver.asked == []
    assert (result.outcome, result.is_good) == (Outcome.DEVIATED, True)


def test_a_judge_who_says_yes_to_everything_is_found_out_by_the_control(
    driver: Any, short: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(incidents.runner, "verdict", lambda findings, observed: Outcome.AS_EXPECTED)
    assert not play(driver, short, Manner(control=Control.NO_OP)).is_good


def test_the_mitigation_makes_users_well_before_the_end(
    driver: Any, short: Incident, typed: list[str]
) -> None:
    result = play(driver, short, Manner(mitigate=True))
    assert driver.asked == ["errors retweet:all 60"]
    assert typed == ["failwhale ops restart retweet:all"]
    assert result.fix is not None
    assert result.fix.well_after is not None
    assert result.outcome is Outcome.AS_EXPECTED


def test_the_wrong_fix_does_not(driver: Any, short: Incident, typed: list[str]) -> None:
    result = play(driver, short, Manner(control=Control.WRONG_FIX))
    assert typed == ["failwhale ops restart post:all"]
    assert (result.outcome, result.is_good) == (Outcome.AS_EXPECTED, True)
    assert driver.in_force == []


def test_a_wrong_fix_that_helps_is_found_out(driver: Any, short: Incident, typed: list[str]) -> None:
    both_help = replace(short, wrong_fix=short.mitigation)
    result = play(driver, both_help, Manner(control=Control.WRONG_FIX))
    assert (result.outcome, result.is_good) == (Outcome.DEVIATED, False)


def test_the_ledger_has_what_the_report_tells_of_it(driver: Any, short: Incident) -> None:
    play(driver, replace(short, expect=Expectation(hurt={"post": "down"})), Manner())
    (played,) = history_of(driver.state).incidents
    assert (played.incident, played.title, played.verdict) == (short.id, short.title, "deviated")
    assert played.hurt == ("retweet",)
    assert "post" in played.why
    assert 0.3 <= played.seconds < 30


@pytest.mark.parametrize(
    ("manner", "said"),
    [
        (Manner(), ["the end 300ms after the beginning"]),
        (
            Manner(mitigate=True),
            ["once this is seen: failwhale ops restart retweet:all", "the verdict, once users are well"],
        ),
    ],
)
def test_what_comes_next_is_told(
    driver: Any, short: Incident, typed: list[str], manner: Manner, said: list[str]
) -> None:
    told: list[str] = []
    play(driver, short, manner, lambda kind, words: told.append(words) if kind == "next" else None)
    assert [words.partition(", or after")[0] for words in told] == said


def test_what_comes_later_on_the_timeline_is_told_before(driver: Any, short: Incident) -> None:
    told: list[str] = []
    later = replace(short.injections[0], at="400ms")
    play(
        driver,
        replace(short, injections=(short.injections[0], later)),
        Manner(),
        lambda kind, words: told.append(words) if kind == "next" else None,
    )
    assert told[0] == f"at 400ms: {later.command()}"


def test_nothing_is_done_to_a_site_that_is_not_steady(driver: Any, short: Incident) -> None:
    driver.in_force = ["kill-1"]
    result = play(driver, short, Manner())
    assert result.outcome is Outcome.BASELINE_NOT_MET
    assert "kill-1" in result.why
    assert driver.asked == []


def test_what_is_refused_makes_it_inconclusive_or_deviate_and_is_told(driver: Any, short: Incident) -> None:
    driver.refuses = "retweet:all does not answer"
    told: list[tuple[str, str]] = []
    result = play(driver, short, Manner(), lambda kind, words: told.append((kind, words)))
    assert ("doubt", "retweet:all does not answer") in told
    assert not result.is_good


def test_an_interruption_heals(driver: Any, short: Incident, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(run: Any, until: float) -> None:
        if driver.in_force:
            raise KeyboardInterrupt

    monkeypatch.setattr(incidents.runner._Run, "_sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        play(driver, short, Manner())
    assert driver.healed == 1
    assert driver.in_force == []


def test_an_interruption_heals_although_ending_fails(
    driver: Any, short: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(run: Any, until: float) -> None:
        if driver.in_force:
            raise KeyboardInterrupt

    def refuse(identifier: str) -> None:
        raise Failure(f"{identifier} does not end")

    monkeypatch.setattr(incidents.runner._Run, "_sleep", interrupt)
    monkeypatch.setattr(driver, "end", refuse)
    with pytest.raises(KeyboardInterrupt):
        play(driver, short, Manner())
    assert driver.healed == 1
    assert driver.in_force == []


def test_what_cannot_be_undone_makes_it_not_restored_and_all_else_is_ended(
    driver: Any, short: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = replace(short.injections[0], fault="latency"), short.injections[0]
    ended = driver.end

    def refuse_the_first(identifier: str) -> None:
        if identifier.startswith("latency"):
            raise Failure(f"{identifier} was not seen to end")
        ended(identifier)

    monkeypatch.setattr(driver, "end", refuse_the_first)
    in_force: list[int] = []
    monkeypatch.setattr(driver, "heal", lambda: in_force.append(len(driver.in_force)))
    told: list[str] = []
    both = replace(short, injections=(first, second))
    result = play(driver, both, Manner(), lambda _, words: told.append(words))
    assert result.outcome is Outcome.NOT_RESTORED
    assert in_force == [1]  # the second one had ended when the rest was left to the heal
    assert any("was not seen to end" in words for words in told)
    kinds = [record["kind"] for record in Ledger(driver.state.ledger).read()]
    assert kinds[-1] == "incident.finished"


def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    said = incidents.fixes.carry_out(State(tmp_path), "failwhale ops restart post:all")
    assert "exit code" in said
    assert "no site" in said


@pytest.mark.parametrize(
    ("looks", "late", "said"),
    [
        ([({}, 6.0)], [], []),
        ([({}, 3.0)], [], ["Prometheus has not watched the journeys for some seconds"]),
        ([], [], ["Prometheus has not watched the journeys for some seconds"]),
        ([({}, 6.0)], [({"alertname": "ServiceErrors"}, 1.0)] * 2, ["about to fire: ServiceErrors"]),
    ],
)
def test_it_begins_when_prometheus_has_watched_for_some_seconds_and_no_alert_of_before_is_to_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looks: Any, late: Any, said: list[str]
) -> None:
    answers = {incidents.observer.LOOKS: looks, incidents.observer.ABOUT_TO_FIRE: late}

    class Watching:
        def now(self, query: str) -> Any:
            return answers.get(query, [])

    monkeypatch.setattr(incidents.observer.Prometheus, "of", lambda state: Watching())
    assert incidents.observer.holding_now(State(tmp_path), Expectation(hurt={"retweet": "down"})) == said


class Before:
    """What was there before, which says when it is put back."""

    def __init__(self, driver: FakeDriver) -> None:
        self.driver = driver
        self.put_back_with: list[list[str]] = []

    def put_back(self, tell: Any) -> None:
        self.put_back_with.append(list(self.driver.in_force))


@pytest.mark.parametrize(
    ("manner", "times"),
    [(Manner(), 0), (Manner(mitigate=True), 1), (Manner(control=Control.WRONG_FIX), 1)],
)
def test_what_a_fix_changed_is_put_back_when_nothing_is_in_force(
    driver: Any,
    short: Incident,
    typed: list[str],
    monkeypatch: pytest.MonkeyPatch,
    manner: Manner,
    times: int,
) -> None:
    before = Before(driver)
    monkeypatch.setattr(incidents.runner, "as_it_is", lambda driver: before)
    assert play(driver, short, manner).outcome is Outcome.AS_EXPECTED
    assert before.put_back_with == [[]] * times


def test_what_cannot_be_typed_makes_it_inconclusive(
    driver: Any, short: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(state: State, command: str) -> str:
        raise Failure(f"{command}: no such part", code=USAGE)

    monkeypatch.setattr(incidents.runner, "carry_out", refuse)
    result = play(driver, short, Manner(control=Control.WRONG_FIX))
    assert (result.outcome, result.is_good) == (Outcome.INCONCLUSIVE, False)
    assert "no such part" in result.not_as_expected


def test_a_command_that_nobody_could_type_is_no_try(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="restrat"):
        incidents.fixes.carry_out(State(tmp_path), "failwhale ops restrat post:all")


@pytest.mark.parametrize(
    ("hindrances", "outcome"),
    [(["store@west lags", ""], Outcome.AS_EXPECTED), (["store@west lags"] * 99, Outcome.BASELINE_NOT_MET)],
)
def test_it_begins_when_a_replica_is_ready(
    driver: Any,
    short: Incident,
    monkeypatch: pytest.MonkeyPatch,
    hindrances: list[str],
    outcome: Outcome,
) -> None:
    class Redundant:
        def failover_hindrance(self) -> str:
            return hindrances.pop(0)

    monkeypatch.setattr(incidents.runner, "Site", lambda state: Redundant())
    monkeypatch.setattr(incidents.runner, "STEADY_WITHIN", 0.7)
    result = play(driver, short, Manner())
    assert result.outcome is outcome
    assert outcome is Outcome.AS_EXPECTED or result.why == "store@west lags"


def test_a_query_that_nobody_understands_keeps_an_incident_from_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Strict:
        def now(self, query: str) -> Any:
            if query == "sum(":
                raise BadQuery("sum(: unclosed left parenthesis")
            return [({}, 6.0)]

    monkeypatch.setattr(incidents.observer.Prometheus, "of", lambda state: Strict())
    expect = Expectation(hurt={"retweet": "down"}, signs=(Sign("share", "sum(", at_least=1),))
    assert incidents.observer.holding_now(State(tmp_path), expect) == ["sum(: unclosed left parenthesis"]
