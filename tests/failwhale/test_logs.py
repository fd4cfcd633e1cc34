"""`failwhale logs`, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from failwhale.verbs import app
from foundation.console import run
from foundation.state import State

SAID = (
    '{"time": "2026-01-31T12:00:01.250000+00:00", "level": "warning", "message": "slow", "request": "id-1"}'
)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    state = State(tmp_path)
    state.logs.mkdir()
    (state.logs / "post@east.log").write_text(f"{SAID}\n")
    (state.logs / "store@east.log").write_text("Ready to accept connections\n")
    monkeypatch.setenv("FAILWHALE_STATE", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "100")
    return state


def test_on_a_terminal_it_is_time_part_level_and_words(
    state: State, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("failwhale.logs.sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    assert run(app, "failwhale", ["logs"]) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["store@east", "Ready", "to", "accept", "connections"],
        ["12:00:01.250", "post@east", "warning", "slow"],
    ]
    assert run(app, "failwhale", ["logs", "post@east"]) == 0
    assert capsys.readouterr().out.split() == ["12:00:01.250", "warning", "slow"]


def test_in_a_pipe_it_is_json_with_the_part_unless_that_was_named(
    state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(app, "failwhale", ["logs"]) == 0
    store, post = map(json.loads, capsys.readouterr().out.splitlines())
    assert store == {
        "part": "store@east",
        "time": None,
        "level": None,
        "message": "Ready to accept connections",
    }
    assert post == {
        "part": "post@east",
        "time": "2026-01-31T12:00:01.250000Z",
        "level": "warning",
        "message": "slow",
        "request": "id-1",
    }
    assert run(app, "failwhale", ["logs", "post@east"]) == 0
    assert capsys.readouterr().out == f"{SAID}\n"
    assert run(app, "failwhale", ["logs", "post@east", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == post


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--lines", "-1"], "-1 is not within 0 and inf"),
        (["--lines", "many"], "'many' is not a whole number"),
        (["posst@east"], "did you mean post@east?"),
    ],
)
def test_a_mistake_is_named(
    state: State, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert run(app, "failwhale", ["logs", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_request_that_no_log_knows_is_an_error(state: State, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, "failwhale", ["logs", "--request", "id-2"]) == 1
    assert "nothing is in any log about request id-2" in capsys.readouterr().err
    assert run(app, "failwhale", ["logs", "store@east", "--request", "id-1"]) == 1
    assert "nothing is in the log of store@east about request id-1" in capsys.readouterr().err
    assert run(app, "failwhale", ["logs", "--request", "id-1"]) == 0
