"""`failwhale status` when there is no room for the record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chaos.runtimes.processes.client import Processes
from failwhale.console import run
from failwhale.site import status
from outages import where

FULL = {"waiting": 12, "dropped": 0, "problem": "No space left on device"}


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    content = {"edges": {}, "parts": [], "runtime": "processes", "left_out": []}
    (tmp_path / "site.json").write_text(json.dumps(content))
    monkeypatch.setattr(Processes, "status_with_supervisor", lambda self: ([], None))
    return tmp_path


def call(state: Path, *words: str) -> int:
    import typer

    app = typer.Typer()
    app.command()(status)
    return run(app, "failwhale status", ["--state", str(state), *words])


@pytest.mark.parametrize(("record", "said"), [(FULL, True), ({**FULL, "waiting": 0, "problem": None}, False)])
def test_status_says_whether_records_wait_for_room(
    state: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    record: dict[str, Any],
    said: bool,
) -> None:
    monkeypatch.setattr(where, "prober_now", lambda state: {"journeys": {}, "record": record})
    assert call(state) == 0
    words = "the record: 12 records wait in memory (No space left on device)"
    assert (words in capsys.readouterr().out) == said
    assert call(state, "--json") == 0
    assert json.loads(capsys.readouterr().out)["record"] == record
