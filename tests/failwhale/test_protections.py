"""`failwhale protections`: mistakes are named, and so is who does not answer."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from site_files import record, write_site

from failwhale.protections import say_of_themselves, switched_off
from failwhale.verbs import app
from foundation.console import run
from foundation.state import State
from services.platform.genesis import make_certificates, make_secrets
from testbed.control import Answer, Unreachable


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
    write_site(state, [record("post@east", {"8000": "127.0.0.1:1"})], on="processes up")
    assert run(app, "failwhale", ["protections", "--state", str(tmp_path)]) == 1
    assert "No answer from post@east" in capsys.readouterr().err


def test_where_a_protection_is_off_is_asked_of_those_that_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    states = {
        "post@east": {"retries": False, "shedding": True},
        "post@west": {"retries": False, "shedding": False},
    }

    class Control:
        def __init__(self, name: str) -> None:
            self.name = name

        def ask(self, method: str, path: str) -> Answer:
            if self.name not in states:
                raise Unreachable(self.name)
            return Answer(200, json.dumps({"protections": states[self.name]}).encode())

    parts = [SimpleNamespace(name=name, kind="service") for name in (*states, "auth@east", "auth@west")]
    parts.append(SimpleNamespace(name="store@east", kind="store"))
    site: Any = SimpleNamespace(
        inventory=SimpleNamespace(parts=parts), control=lambda part: Control(part.name)
    )
    asked = {"post@east", "post@west", "auth@east", "store@east"}
    infos = say_of_themselves(site, asked)
    assert switched_off(infos) == {"retries": ["post@east", "post@west"], "shedding": ["post@west"]}
    assert switched_off(say_of_themselves(site, set())) == {}
