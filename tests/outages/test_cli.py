"""The verbs as a person types them: rows for scripts, tables of 80 columns, errors with the next step."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from site_files import record as part
from site_files import write_site
from test_history import STARTED, STOPPED, T, fault, outage

from foundation.clock import stamp
from foundation.console import run
from foundation.failure import BASELINE_NOT_MET
from foundation.ledger import Ledger, Record
from outages.cli import app
from outages.journey_names import NAMES
from outages.model import Felt
from outages.score import pair, score
from outages.tables import show_score
from outages.wording import COMES_FROM_THE_PROBER, clock
from testbed.runtimes.processes.client import Processes

KEYS = {
    "journey",
    "kind",
    "start",
    "end",
    "duration",
    "attempts",
    "failed",
    "error",
    "causes",
    "detected",
    "detection_delay",
}
RUN = [STARTED, *fault("kill-1", "post@east", 10, 20), *outage("login-second-factor", 12, 16.25), STOPPED]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(Processes, "status", lambda self: [])  # there are none
    write_site(tmp_path, on="processes up")
    return tmp_path


def record(state: Path, records: list[Record]) -> None:
    ledger = Ledger(state / "record" / "ledger.ndjson")
    for one in records:
        ledger.append(**one)


def call(*words: str) -> int:
    return run(app, "failwhale", words)


def test_rows_for_scripts(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(state, RUN)
    assert call("outages", "--json", "--quiet", "--state", str(state)) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row.keys() >= KEYS
    assert row["journey"] == "login-second-factor"
    assert row["duration"] == 4.25
    assert row["causes"] == ["kill-1"]
    assert row["detected"] is None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", row["start"])


def test_a_table_for_a_terminal_of_80_columns(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(state, RUN)
    assert call("outages", "--all", "--state", str(state)) == 0
    shown = capsys.readouterr().out
    assert "1 outage; login-second-factor was down longest, for 4.2s." in shown
    assert re.search(r"login-second-factor +down +4.2s +4/5 +kill post@east", shown)
    assert all(len(line.rstrip()) <= 80 for line in shown.splitlines() if "page:" not in line)


FLAPPING = [
    STARTED,
    *fault("cut", "place:east", 10, 30, selector="place:east"),
    *outage("post", 11, 12.5),
    *outage("post", 14, 15.5),
    *outage("post", 17, 17.5, "slow"),
    *outage("login-second-factor", 12, 15),
    *fault("kill-1", "retweet@east", 40, 50),
    *outage("retweet", 41, 44, unobserved=True),
    *outage("page", 70, 71),
    *outage("page", 72, 73),
    STOPPED,
]
RAW = "status: 503 service-unreachable: post: 127.0.0.1:29716: [Errno 111] Connection refused"


@pytest.mark.parametrize("verb", ["outages", "report"])
@pytest.mark.parametrize("columns", ["60", "80", "160"])
def test_a_fault_is_one_line_and_its_error_is_never_left_out(
    state: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, verb: str, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    write_site(state, [part("post@west", {"8000": "127.0.0.1:29716"})])
    record(state, [{**one, **({"error": RAW} if one.get("journey") == "post" else {})} for one in FLAPPING])
    assert call(verb, "--state", str(state)) == 0
    title, heads, *rows = capsys.readouterr().out.splitlines()
    assert title == "5 outages and 1 degradation; post was down longest, for 3s."
    assert heads.split()[:5] == ["UTC", "cause", "longest", "in", "all"]
    assert all(len(row) <= int(columns) for row in rows if not row.startswith("page:"))
    words = " ".join(" ".join(rows).split())
    hurt = r"(post \+1|2 journeys, post longest|post ×2, login-second-factor)"
    assert re.search(rf"kill place\S+ 3s 5s {hurt}", words)
    assert re.search(r"kill re\S+ at least 3s at least 3s (retweet|1 journey) the", words)
    assert re.search(r"no known\S* ?\S* 2s 2s page ×2", words)
    assert "post@west refused the connection" in words
    assert "29716" not in words


def test_the_rows_for_scripts_have_the_error_as_it_was(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(state, [{**one, "error": RAW} for one in [*outage("post", 12, 16)]])
    assert call("outages", "--json", "--state", str(state)) == 0
    assert [row["error"] for row in json.loads(capsys.readouterr().out)] == [RAW]


def test_the_report_is_written_where_it_is_asked_for(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(state, RUN)
    file = tmp_path / "deep" / "friday.html"
    assert call("report", "--output", str(file), "--quiet", "--state", str(state)) == 1
    assert f"no such folder: {file.parent}" in capsys.readouterr().err
    file.parent.mkdir()
    assert call("report", "--output", str(file), "--quiet", "--state", str(state)) == 0
    assert capsys.readouterr().out == ""
    assert file.read_text().startswith("<!doctype html>")


def test_a_report_made_in_a_container_says_how_it_gets_out(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(state, RUN)
    write_site(state, on="docker inside")
    copied = f"docker compose cp chaos:{state}/reports/report.html ."
    assert call("report", "--state", str(state)) == 0
    assert copied in capsys.readouterr().out.replace("\n", " ").replace("  ", " ")
    assert call("report", "--output", str(state), "--state", str(state)) == 1  # a folder
    err = capsys.readouterr().err
    assert copied in err
    assert "--output - > " in err


def test_a_report_made_on_the_machine_needs_not_be_copied(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(state, RUN)
    assert call("report", "--state", str(state)) == 0
    assert "docker" not in capsys.readouterr().out


def test_what_prometheus_recorded_has_no_errors_and_its_own_next_step(
    state: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record(state, RUN)
    rows = [Felt("post", "down", start, start + 1) for start in (10, 20)]
    monkeypatch.setattr("outages.prometheus.recorded", lambda site, history: rows)
    assert call("outages", "--from", "prometheus", "--state", str(state)) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Prometheus recorded 2 outages in this run.")
    assert "only slow" not in shown
    assert "error" not in shown
    assert "failwhale outages --from prometheus --all" in shown


@pytest.mark.parametrize("columns", ["60", "80", "140"])
def test_long_causes_leave_the_other_columns_alone(
    state: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    parts = ["retweet@east", "timeline@west", "login@east", "notify@west"]
    faults = [line for part in parts for line in fault(part, part, 10, 20)]
    record(state, [STARTED, *faults, *outage("login-second-factor", 12, 16.25), STOPPED])
    assert call("outages", "--all", "--state", str(state)) == 0
    _, _, row, *below = capsys.readouterr().out.splitlines()
    assert re.search(r"^\d\d:\d\d:\d\d +login-second-factor +down +4.2s +(4/5 +)?kill", row)
    assert len(row.rstrip()) <= int(columns)
    assert ("…" in row) == (columns != "140")
    assert "refused" in "".join([row, *below])


def test_a_cause_is_told_as_it_was_typed(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = ("post@east", "post@west")
    both = [line for part in parts for line in fault("kill-1", part, 10, 20, selector="post:all")]
    record(state, [STARTED, *both, *outage("post", 12, 16), STOPPED])
    assert call("outages", "--state", str(state)) == 0
    assert re.search(r" kill post:all +4s +4s +post +the connection was refused", capsys.readouterr().out)


def test_the_score_shows_both_records_side_by_side(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    felt = [Felt("login-second-factor", "down", 10, 20), Felt("page", "down", 40, 41)]
    felt[0].detected, felt[0].detection_delay, felt[1].detected = True, 2.1, False
    recorded = [Felt("login-second-factor", "down", 11, 23), Felt("post", "slow", 50, 55)]
    show_score(pair(felt, recorded, 100.0), score(felt, recorded, 100.0))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "recorded by Prometheus: 1 detected, 1 missed, 1 false positive; too long by 2.0 s (p50), 2.0 s (p90)"
    )
    assert lines[1] == "in time: 9s detected, 2s missed, 8s false positive"
    assert lines[2] == "alerted: 1 of 2 outages; delay 2.1 s (p50), 2.1 s (p90) over 1 alert"
    assert lines[3] == "paged: 0 of 2 outages; 0 pages came in all, 0 acknowledged"
    words = " ".join(lines[4 : lines.index("")])
    assert words == COMES_FROM_THE_PROBER
    rows = [line.split() for line in lines[lines.index("") + 2 :]]
    assert rows == [
        ["login-second-factor", "down", "00:00:10", "10s", "00:00:11", "12s", "+2.1s", "detected"],
        ["page", "down", "00:00:40", "1s", "none", "missed"],
        ["post", "slow", "00:00:50", "5s", "false", "positive"],
    ]
    assert all(len(line.rstrip()) <= 80 for line in lines[2:])


def test_a_calm_run_says_so(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(state, [STARTED, STOPPED])
    assert call("outages", "--state", str(state)) == 0
    assert capsys.readouterr().out.strip() == "No outage, and no fault was injected."


def test_the_live_view_fits_in_80_columns(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(state, RUN[:-1])
    assert call("watch", "--once", "--state", str(state)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line.rstrip()) <= 80 for line in lines)
    assert len(lines) <= 24
    for name in NAMES:
        assert any(line.startswith(name) for line in lines)


def test_in_a_pipe_the_live_view_is_no_wider_than_what_it_says(
    state: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS")
    record(state, RUN[:-1])
    assert call("watch", "--once", "--state", str(state)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line == line.rstrip() for line in lines)
    assert max(map(len, lines)) < 200


def test_in_a_pipe_journeys_do_not_push_the_error_out_of_sight(
    state: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS")
    cut = fault("cut", "place:east", 10, 30)
    record(state, [STARTED, *cut, *(line for name in NAMES for line in outage(name, 12, 14)), STOPPED])
    assert call("outages", "--state", str(state)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "13 journeys" in lines[2]
    assert max(map(len, lines)) < 160


def test_what_no_known_fault_explains_is_told_when_it_was(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = fault("cut", "post@east", 100, 130)
    alone = [*outage("page", 5, 6), *outage("login", 20, 21), *outage("page", 200, 201)]
    record(state, [STARTED, *alone, *cut, *outage("post", 102, 104), {**STOPPED, "at": stamp(T + 300)}])
    assert call("outages", "--state", str(state)) == 0
    _, _, *rows = capsys.readouterr().out.splitlines()
    told = [(row.split()[0], "no known fault" in row) for row in rows if row[:2].isdigit()]
    assert told == [(clock(T + 5), True), (clock(T + 102), False), (clock(T + 200), True)]


def test_a_narrow_live_view_keeps_what_is_broken_and_what_is_now(
    state: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    broken = fault("a", "post@east", 10, None, parameters={"share": 0.3}, asked="share 30%")
    for one in broken:
        one["name"] = "errors"
    now = time.time()
    down = {"journey": "post", "type": "down", "start": stamp(now - 4), "error": "refused", "end": None}
    opened = {"at": stamp(now), "kind": "outage.opened", **down, "attempts": 1, "failed": 1}
    record(state, [STARTED, *broken, opened])
    assert call("watch", "--once", "--state", str(state)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 60 for line in lines)
    assert lines[1].startswith("broken now  errors")
    assert "post@east  share 30%" in lines[1]
    (post,) = [line for line in lines if line.startswith("post ")]
    assert post.endswith("█·"), "no prober answers here, so of this moment there is no data"
    assert lines[-1].endswith("now")


@pytest.mark.parametrize("verb", ["outages", "report", "watch", "score"])
def test_without_a_site_the_next_step_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    assert call(verb, "--state", str(tmp_path / "none")) == BASELINE_NOT_MET
    error = capsys.readouterr().err
    assert "failwhale up" in error
    assert "Traceback" not in error


@pytest.mark.parametrize("words", [("outages", "--from", "prometheus"), ("score",)])
def test_a_site_without_prometheus_says_so(
    state: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    record(state, RUN)
    assert call(*words, "--state", str(state)) == 1
    assert "without Prometheus" in capsys.readouterr().err
