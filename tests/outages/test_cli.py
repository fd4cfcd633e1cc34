"""The verbs as a person types them: rows for scripts, tables of 80 columns, errors with the next step."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from test_history import STARTED, STOPPED, fault, outage

from failwhale.console import run
from outages.cli import app
from outages.ledger import Ledger, Record
from outages.names import NAMES

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
    (tmp_path / "site.json").write_text(json.dumps({"edges": {}, "parts": [], "runtime": "processes"}))
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


@pytest.mark.parametrize("verb", ["outages", "report"])
def test_a_table_for_a_terminal_of_80_columns(
    state: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    record(state, RUN)
    assert call(verb, "--state", str(state)) == 0
    shown = capsys.readouterr().out
    assert "1 outage; users of login-second-factor felt 4.2s." in shown
    assert re.search(r"login-second-factor +4.2s +4/5 +kill post@east", shown)
    assert all(len(line.rstrip()) <= 80 for line in shown.splitlines() if "page:" not in line)


def test_the_report_is_written_where_it_is_asked_for(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(state, RUN)
    file = tmp_path / "deep" / "friday.html"
    assert call("report", "--output", str(file), "--quiet", "--state", str(state)) == 0
    assert capsys.readouterr().out == ""
    assert file.read_text().startswith("<!doctype html>")


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


@pytest.mark.parametrize("verb", ["outages", "report", "watch", "score"])
def test_without_a_site_the_next_step_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    assert call(verb, "--state", str(tmp_path / "none")) == 1
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
