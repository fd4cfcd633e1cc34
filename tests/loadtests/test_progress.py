"""What a person is told while people are loaded."""

from __future__ import annotations

import pytest

from foundation.progress import Progress
from loadtests import cli


def test_in_a_pipe_it_says_at_once_that_people_are_loaded_and_now_and_then_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(cli.time, "monotonic", lambda: now)
    tell = cli.telling_people(Progress(quiet=False), 1000)
    assert capsys.readouterr().err == "Loading 1,000 people\n"
    tell(1, 10)
    now = cli.LINE_EVERY
    tell(3, 10)
    assert capsys.readouterr().err == "Loading 1,000 people: 30%\n"
    quiet = cli.telling_people(Progress(quiet=True), 1000)
    quiet(1, 10)
    assert capsys.readouterr().err == ""
