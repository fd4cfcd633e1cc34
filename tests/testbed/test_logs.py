from __future__ import annotations

from pathlib import Path

import pytest

from foundation.console import Failure
from foundation.state import State
from testbed.logs import logs_of


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(tmp_path)
    state.logs.mkdir()
    (state.logs / "post@east.log").write_text("one\ntwo id-1\nthree\n")
    (state.logs / "prober.log").write_text("four id-1\n")
    return state


def test_the_last_lines_of_all_parts(state: State) -> None:
    assert list(logs_of(state, None).last(2, None)) == [
        "post@east  two id-1",
        "post@east  three",
        "prober     four id-1",
    ]


def test_one_part_needs_no_prefix(state: State) -> None:
    assert list(logs_of(state, "post@east").last(1, None)) == ["three"]


def test_all_about_one_request(state: State) -> None:
    lines = list(logs_of(state, None).last(None, "id-1"))
    assert lines == ["post@east  two id-1", "prober     four id-1"]


def test_an_unknown_part_lists_what_exists(state: State, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="'nobody'") as raised:
        logs_of(state, "nobody")
    assert "post@east, prober" in raised.value.next_step
    with pytest.raises(Failure, match="no logs"):
        logs_of(State(tmp_path / "empty"), None)


def test_follows_whole_lines_only(state: State) -> None:
    lines = logs_of(state, "prober").follow(None)
    with open(state.logs / "prober.log", "a") as log:
        # The generator notes where the file ends when it is first asked, so ask in a thread of control that
        # writes.
        import threading

        def write() -> None:
            log.write("five\nsi")
            log.flush()
            log.write("x\n")
            log.flush()

        timer = threading.Timer(0.2, write)
        timer.start()
        assert next(lines) == "five"
        assert next(lines) == "six"
        timer.join()
