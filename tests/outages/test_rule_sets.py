"""What each rule set noticed of the outages that users felt, in the run as a whole and in a part of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from site_files import record as part
from site_files import write_site
from test_history import STARTED, T, fault, outage

from foundation.clock import Setting, stamp
from foundation.console import run
from foundation.ledger import Ledger, Record
from foundation.state import State
from outages.cli import app
from outages.history import History, read
from outages.model import Felt, InjectedFault
from outages.prometheus import Prometheus, Samples
from outages.rule_sets import (
    ALL,
    EVALUATED,
    RULE_SETS,
    Episode,
    RuleSetScore,
    Watched,
    false_positives,
    is_about,
    judge,
    score,
    spans,
    watched_by,
)
from outages.tables import show_rule_sets

NOW = T + 90.0


def alert(start: float, end: float, rule_set: str = "golden-signals", **labels: str) -> Episode:
    return Episode("Alert", rule_set, labels, start, end)


def ran(*records: Record) -> History:
    return read([STARTED, *records, {"at": stamp(NOW), "kind": "prober.stopped", "journeys": {}}])


@pytest.mark.parametrize(
    ("start", "end", "about"),
    [
        (6.9, 12.0, False),
        (7.0, 12.0, True),
        (7.0, 7.0, True),
        (15.0, 16.0, True),
        (23.0, 30.0, True),
        (23.1, 30.0, False),
    ],
)
def test_an_alert_is_about_the_outage_in_which_it_began(start: float, end: float, about: bool) -> None:
    assert is_about(alert(start, end), Felt("post", "down", 10, 20), 100.0) is about
    assert is_about(alert(start, end), Felt("post", "down", 10), 100.0) is (start >= 7.0)


def test_an_alert_that_sees_the_cause_before_users_feel_it_is_about_the_outage_while_it_fires() -> None:
    cause = InjectedFault("f", "pause", "notify:all", {}, 40.0, 40.2)
    felt = Felt("freshness", "down", 60, 70, causes=[cause])
    assert is_about(alert(42, 65), felt, 100.0)
    assert is_about(alert(42, 57), felt, 100.0)
    assert not is_about(alert(42, 56.9), felt, 100.0)
    assert not is_about(alert(36.9, 65), felt, 100.0)


def test_an_alert_about_another_journey_detects_nothing_and_is_no_false_positive_either() -> None:
    felt, named = Felt("post", "down", 10, 20), alert(12, 15, journey="login")
    assert not is_about(named, felt, 100.0)
    assert is_about(alert(12, 15, journey="post"), felt, 100.0)
    assert false_positives([named], [felt], [], 100.0) == []


@pytest.mark.parametrize(
    ("start", "detected", "false"), [(23.0, 1, 0), (23.1, 0, 0), (25.0, 0, 0), (25.1, 0, 1)]
)
def test_an_alert_that_comes_late_is_no_false_positive(start: float, detected: int, false: int) -> None:
    scores = score(ran(*outage("post", 10, 20)), Watched([alert(T + start, T + 60)], [(T, NOW)]))
    assert (scores["all"]["detected"], scores["all"]["false_positives"]) == (detected, false)


def test_alerts_that_were_about_nothing_are_false_positives_unless_nobody_knows() -> None:
    always, early, lone = alert(0, 100), alert(3, 5), alert(50, 55)
    felt = [Felt("post", "down", 10, 20)]
    assert false_positives([always, early, lone], felt, [], 100.0) == [always, early, lone]
    assert false_positives([lone], felt, [(58.0, 60.0)], 100.0) == []
    assert false_positives([lone], felt, [(58.1, 60.0)], 100.0) == [lone]
    assert false_positives([lone], felt, [(40.0, 46.9)], 100.0) == [lone]


def test_nobody_knows_what_users_felt_before_the_run_and_in_its_gaps() -> None:
    """Prometheus may be up before the prober is, and fires that nobody looks."""
    gap = {"at": stamp(T + 55), "kind": "prober.gap", "start": stamp(T + 50), "end": stamp(T + 55)}
    fired = [alert(T + 3, T + 4), alert(T + 3.1, T + 4), alert(T + 52, T + 60)]
    assert score(ran(gap), Watched(fired, []))["golden-signals"] == _row(0, 0, 1)


def test_a_run_is_scored_by_rule_set_and_for_all_of_them() -> None:
    history = ran(*outage("post", 10, 20), *outage("page", 40, 50))
    watched = Watched(
        [
            alert(T + 12, T + 20, "journeys", journey="post"),
            alert(T + 14, T + 21, "golden-signals"),
            alert(T + 41.5, T + 44, "journeys", journey="page"),
            alert(T + 70, T + 71, "up-only"),
            alert(T + 80, T + 81, ""),
        ],
        [(T, NOW)],
    )
    assert score(history, watched) == {
        "up-only": _row(0, 2, 1),
        "golden-signals": _row(1, 1, 0, 4.0, 4.0),
        "burn-rates": _row(0, 2, 0),
        "journeys": _row(2, 0, 0, 1.5, 2.0),
        "upkeep": _row(0, 2, 0),
        "all": _row(2, 0, 2, 1.5, 2.0),
    }


def _row(
    detected: int,
    missed: int,
    false: int,
    p50: float | None = None,
    p90: float | None = None,
    unknown: int = 0,
) -> dict[str, Any]:
    return {
        "detected": detected,
        "missed": missed,
        "unknown": unknown,
        "false_positives": false,
        "detection_delay": {"p50": p50, "p90": p90},
    }


def test_while_no_rule_was_evaluated_nobody_can_say_what_would_have_been_detected() -> None:
    history = ran(*outage("post", 10, 20), *outage("page", 40, 50), *outage("login", 60, 70))
    # Prometheus was away from 45 to 65: one outage lay before that, one ended in it, one began in it.
    watched = Watched([alert(T + 66, T + 70, "journeys", journey="login")], [(T, T + 45), (T + 65, NOW)])
    scores = score(history, watched)
    assert scores["journeys"] == _row(1, 1, 0, 6.0, 6.0, unknown=1)
    assert scores["up-only"] == _row(0, 1, 0, unknown=2)


@pytest.mark.parametrize(
    ("start", "end", "saw"), [(7, 53, True), (6.9, 20, False), (40, 53.1, False), (20, 70, False)]
)
def test_a_silence_of_three_seconds_is_none(start: float, end: float, saw: bool) -> None:
    assert Watched([], [(10, 50), (60, 80)]).saw_all_of(start, end) is saw


def test_what_comes_and_goes_under_one_fault_is_one_outage_and_its_delay_counts_from_its_first_time() -> None:
    kill = fault("kill-1", "post@east", 9, 60)
    history = ran(*kill, *outage("post", 10, 20), *outage("post", 40, 50))
    scores = score(history, Watched([alert(T + 42, T + 45, "burn-rates")], [(T, NOW)]))
    assert scores["burn-rates"] == _row(1, 0, 0, 32.0, 32.0)


def test_what_goes_on_is_detected_as_well_and_missed_if_nothing_fires_until_now() -> None:
    history = ran(*outage("post", 60.0004, None))
    assert score(history, Watched([], [(T, NOW)]))["all"] == _row(0, 1, 0)
    assert score(history, Watched([], [(T, NOW - 3.1)]))["all"] == _row(0, 0, 0, unknown=1)
    fired = [alert(T + 88.1234, NOW)]
    assert score(history, Watched(fired, [(T, NOW)]))["all"] == _row(1, 0, 0, 28.123, 28.123)


def test_delays_are_told_by_their_quantiles() -> None:
    starts = [8.0 * number for number in range(1, 11)]
    history = ran(*(row for start in starts for row in outage("post", start, start + 5)))
    fired = [alert(T + start + number / 2, T + start + 4) for number, start in enumerate(starts)]
    assert score(history, Watched(fired, [(T, NOW)]))["golden-signals"] == _row(10, 0, 0, 2.0, 4.0)


def test_samples_without_a_long_silence_are_one_time() -> None:
    samples = [(1.0, 1.0), (2.0, 1.0), (5.0, 1.0), (8.1, 1.0), (9.0, 1.0)]
    assert spans(samples) == [(1.0, 5.0), (8.1, 9.0)]
    assert spans([]) == []


# --- a Prometheus that answers ---


def fired(name: str, rule_set: str, start: int, end: int, **labels: str) -> tuple[dict[str, str], Samples]:
    alertname = {"alertname": name, "rule_set": rule_set} if rule_set else {"alertname": name}
    return {**alertname, **labels}, [(T + second, 1.0) for second in range(start, end + 1)]


SECONDS: Samples = [(T + at, 1.0) for at in range(90)]


@pytest.fixture
def monitored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    """Posting is down from 30 to 40; what fires since before, meanwhile, and long after."""
    state = State(tmp_path)
    write_site(state, [part("prometheus", {"9090": "127.0.0.1:7"})])
    ledger = Ledger(state.ledger)
    for row in [STARTED, *outage("post", 30, 40)]:
        ledger.append(**row)
    alerts = [
        fired("PartDown", "up-only", 5, 60, part="post@east"),
        fired("ServiceErrors", "golden-signals", 27, 33),
        fired("JourneyDown", "journeys", 32, 41, journey="post"),
        fired("ErrorBudgetBurnsFast", "journeys", 31, 45, journey="post"),
        fired("Hot", "golden-signals", 48, 49),
        fired("Flood1", "", 35, 36),
        fired("Flood2", "", 53, 54),
    ]

    def samples(
        prometheus: Prometheus, selector: str, start: float, end: float
    ) -> list[tuple[dict[str, str], Samples]]:
        series = alerts if selector.startswith("ALERTS") else [({}, SECONDS)]
        cut = [(labels, [one for one in found if start < one[0] <= end]) for labels, found in series]
        return [(labels, found) for labels, found in cut if found]

    monkeypatch.setattr(Prometheus, "samples", samples)
    monkeypatch.setattr(History, "now", lambda history: NOW)
    return state


def test_what_fired_is_read_with_the_time_in_which_rules_were_evaluated(monitored: State) -> None:
    watched = watched_by(Prometheus("nowhere:7", Setting()), T, T + 50)
    assert [(one.alert, one.rule_set, one.start - T, one.end - T) for one in watched.episodes] == [
        ("PartDown", "up-only", 5, 50),
        ("ServiceErrors", "golden-signals", 27, 33),
        ("ErrorBudgetBurnsFast", "journeys", 31, 45),
        ("JourneyDown", "journeys", 32, 41),
        ("Flood1", "", 35, 36),
        ("Hot", "golden-signals", 48, 49),
    ]
    assert watched.evaluated == [(T + 1, T + 50)]


def test_a_span_is_judged_by_what_began_in_it(monitored: State) -> None:
    nothing = RuleSetScore(False, None, 0, ())
    assert judge(monitored, T + 25, T + 50) == {
        "up-only": nothing,
        "golden-signals": RuleSetScore(True, -3.0, 1, ("ServiceErrors", "Hot")),
        "burn-rates": nothing,
        "journeys": RuleSetScore(True, 1.0, 0, ("ErrorBudgetBurnsFast", "JourneyDown")),
        "upkeep": nothing,
        "all": RuleSetScore(
            True,
            -3.0,
            2,
            ("ServiceErrors", "ErrorBudgetBurnsFast", "JourneyDown", "Flood1", "Hot", "Flood2"),
        ),
    }


def test_what_was_felt_is_judged_to_its_end_though_that_came_after_the_span(monitored: State) -> None:
    """Users are hurt until 40. An alert after the span is of it where it is about what they felt."""
    scores = judge(monitored, T + 29, T + 30.5)
    assert scores["up-only"] == RuleSetScore(False, None, 0, ())
    alerts = ("ErrorBudgetBurnsFast", "JourneyDown", "Flood1")
    assert scores["all"] == RuleSetScore(True, 1.0, 0, alerts)


class Hours:
    """A clock that moves only while somebody waits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, now: float) -> None:
        self.now = now
        monkeypatch.setattr("outages.rule_sets.time", self, raising=False)
        monkeypatch.setattr(History, "now", lambda history: self.now)

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(
    ("end", "called", "judged"),
    [
        (40, 40.5, 43.5),  # the span ends at 40.5
        (40, 42.0, 43.5),
        (40, 50.0, 50.0),
        (42, 42.5, 45.0),
        (None, 42.5, 45.5),  # the end of what goes on is not waited for
    ],
)
def test_an_alert_that_may_still_come_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: float | None, called: float, judged: float
) -> None:
    state = State(tmp_path)
    write_site(state, [part("prometheus", {"9090": "127.0.0.1:7"})])
    for row in [STARTED, *outage("post", 30, end)]:
        Ledger(state.ledger).append(**row)
    hours = Hours(monkeypatch, T + called)

    def until_now(
        prometheus: Prometheus, selector: str, start: float, end: float
    ) -> list[tuple[dict[str, str], Samples]]:
        labels, found = fired("Late", "journeys", 43, 60) if selector.startswith("ALERTS") else ({}, SECONDS)
        return [(labels, seen)] if (seen := [one for one in found if one[0] <= min(end, hours.now)]) else []

    monkeypatch.setattr(Prometheus, "samples", until_now)
    assert judge(state, T + 25, T + 40.5)["journeys"] == RuleSetScore(True, 13.0, 0, ("Late",))
    assert hours.now == T + judged


def test_where_users_felt_nothing_there_is_nothing_to_detect_and_alerts_count_as_they_are(
    monitored: State,
) -> None:
    scores = judge(monitored, T + 46, T + 60)
    assert scores["golden-signals"] == RuleSetScore(None, None, 1, ("Hot",))
    assert scores["journeys"] == RuleSetScore(None, None, 0, ())


def test_where_prometheus_cannot_be_asked_nothing_is_said(tmp_path: Path) -> None:
    state = State(tmp_path)
    write_site(state, [part("prometheus", {"9090": "127.0.0.1:1"})])
    Ledger(state.ledger).append(**STARTED)
    unknown = RuleSetScore(None, None, None, ())
    assert judge(state, T, T + 50) == dict.fromkeys((*RULE_SETS, ALL), unknown)
    write_site(state)
    assert judge(state, T, T + 50) == dict.fromkeys((*RULE_SETS, ALL), unknown)


# --- what a person sees ---


def test_the_score_has_a_row_for_each_rule_set(
    monitored: State, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outages.cli.refuse_down", lambda site: None)
    monkeypatch.setattr(Prometheus, "outages", lambda prometheus, start, end: [])
    monkeypatch.setattr(Prometheus, "firing", lambda prometheus, kind, start, end: {})
    assert run(app, "failwhale", ("score", "--json", "--state", str(monitored.path))) == 0
    sets: Mapping[str, Any] = json.loads(capsys.readouterr().out)["rule_sets"]
    assert list(sets) == [*RULE_SETS, ALL]
    assert sets["journeys"] == _row(1, 0, 0, 1.0, 1.0)
    assert sets["up-only"] == _row(0, 1, 1)


def test_the_rows_fit_in_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    show_rule_sets({"journeys": _row(10, 2, 0, 1.51, 12.0, 3), "golden-signals": _row(0, 15, 7)})
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert [line.split() for line in lines[2:]] == [
        ["journeys", "10", "2", "3", "0", "+1.5s", "+12.0s"],
        ["golden-signals", "0", "15", "0", "7"],
    ]


def test_what_is_asked_of_prometheus_is_what_its_rules_record() -> None:
    rules = Path(__file__).parents[2] / "dashboards" / "prometheus" / "recorded.rules.yml"
    assert f"- record: {EVALUATED}\n        expr: vector(1)\n" in rules.read_text()
