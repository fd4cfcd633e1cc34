"""What needs a site that is up says at once that it is down, and asks nobody."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from site_files import record, write_site

from failwhale.verbs import app
from foundation.clock import stamp
from foundation.console import run
from foundation.failure import BASELINE_NOT_MET
from foundation.ledger import Ledger
from foundation.state import State
from testbed.control import Control

NAMES = ("chaos", "post@east", "store@east", "prober", "prometheus")

COMMANDS = [
    ["status"],
    ["chaos", "kill", "post@east"],
    ["chaos", "kill", "store:primary", "--dry-run"],
    ["chaos", "errors", "post@east", "--route", "GET /nowhere"],
    ["chaos", "heal"],
    ["chaos", "block"],
    ["watch", "--once"],
    ["outages", "--from", "prometheus"],
    ["score"],
    ["load", "steady", "--for", "30s"],
    ["populate"],
    ["protections"],
    ["protections", "retries", "off"],
]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    """A site that ran for a while, and was taken down."""
    monkeypatch.setenv("FAILWHALE_STATE", str(tmp_path))
    write_site(tmp_path, [record(name, {"8000": "127.0.0.1:1"}) for name in NAMES])
    state = State(tmp_path)
    ledger = Ledger(state.ledger)
    ledger.append("prober.started", at=stamp(time.time() - 60))
    ledger.append("prober.stopped", journeys={})
    return state


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_site_that_is_down_is_said_to_be_down(
    state: State, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    def ask(*_: object) -> None:
        pytest.fail("somebody is asked")

    monkeypatch.setattr(Control, "ask", ask)
    assert run(app, "failwhale", [*words, "--state", str(state.path)]) == BASELINE_NOT_MET
    out, err = capsys.readouterr()
    assert out == ""
    assert f"the site in {state.path} is not up" in err
    assert "start it: failwhale up" in err


def test_where_there_is_none_a_fault_is_refused_in_the_same_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(app, "failwhale", ["chaos", "kill", "post@east", "--state", str(tmp_path / "none")])
    assert code == BASELINE_NOT_MET
    assert "start one: failwhale up" in capsys.readouterr().err


def test_the_history_of_nothing_says_that_there_is_no_site(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(app, "failwhale", ["chaos", "history", "--state", str(tmp_path / "none")]) == BASELINE_NOT_MET
    assert "there is no site" in capsys.readouterr().err
