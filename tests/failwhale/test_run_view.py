"""How a run is told: lines in a pipe; on a terminal the story and what comes next stay above the journeys."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest
from rich.console import Console

import failwhale.run_view
from failwhale.run_view import RunView
from foundation.state import State
from incidents.reading import anything, catalogue, file_of, read

INCIDENT = read(file_of(catalogue()[0]), anything)


def view_on(console: Console, folder: Path, monkeypatch: pytest.MonkeyPatch) -> RunView:
    monkeypatch.setattr(failwhale.run_view, "stdout", lambda: console)
    return RunView(State(folder), ndjson=False, quiet=False)


def test_in_a_pipe_everything_is_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    view = view_on(Console(file=written, width=80), tmp_path, monkeypatch)
    with view.of(INCIDENT) as tell:
        tell("story", "Retweets fail. Look for: red")
        tell("next", "the end after 8s")
    story, following = written.getvalue().splitlines()
    assert story == "Retweets fail. Look for: red"
    assert following.endswith("  next: the end after 8s")


def test_at_80_by_24_half_of_the_screen_is_left_for_the_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.StringIO()
    console = Console(file=written, width=80, height=24, force_terminal=True, color_system=None)
    view = view_on(console, tmp_path, monkeypatch)
    with view.of(INCIDENT) as tell:
        tell("story", "Retweets fail. Look for: red")
        tell("next", "the end after 8s")
        until = time.monotonic() + 10
        while written.getvalue().count("next: the end after 8s") < 2:
            assert time.monotonic() < until
            time.sleep(0.02)
    assert written.getvalue().split("next: ")[1].count("\n") <= 12
    assert "Retweets fail. Look for: red" in written.getvalue()


def test_ndjson_has_every_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    view = RunView(State(tmp_path), ndjson=True, quiet=False)
    with view.of(INCIDENT) as tell:
        tell("next", "the end after 8s")
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (row["incident"], row["event"], row["what"]) == (INCIDENT.id, "next", "the end after 8s")
