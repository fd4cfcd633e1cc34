"""`failwhale protections`: mistakes are named, and so is who does not answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
    row = {"name": "post@east", "service": "post", "place": "east", "compose_name": "post-east"}
    row |= {"main": "8000", "one_shot": False, "addresses": {"8000": "127.0.0.1:1"}}
    state.site_file.write_text(json.dumps({"runtime": "processes", "parts": [row], "edges": {}}))
    assert run(app, "failwhale", ["protections", "--state", str(tmp_path)]) == 1
    assert "No answer from post@east" in capsys.readouterr().err
