"""`failwhale protections`: mistakes are named, and so is who does not answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from site_files import record, write_site

from failwhale.verbs import app
from foundation.console import run
from foundation.state import State
from services.platform.genesis import make_certificates, make_secrets


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["retries", "maybe"], "'maybe' is none of on, off"),
        (["retries"], "say its name and on or off"),
    ],
)
def test_a_mistake_is_named(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(app, "failwhale", ["protections", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Value error" not in error


def test_parts_that_do_not_answer_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = State(tmp_path)
    make_certificates(state.pki, [])
    make_secrets(state.secrets)
    write_site(state, [record("post@east", {"8000": "127.0.0.1:1"})])
    assert run(app, "failwhale", ["protections", "--state", str(tmp_path)]) == 1
    assert "No answer from post@east" in capsys.readouterr().err
