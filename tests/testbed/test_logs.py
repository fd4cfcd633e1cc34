from __future__ import annotations

import threading
from datetime import UTC
from pathlib import Path

import pytest

from foundation.console import Failure
from foundation.state import State
from testbed.logs import logs_of
from testbed.runtimes.log_line import Line


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(tmp_path)
    state.logs.mkdir()
    (state.logs / "post@east.log").write_text("one\ntwo id-1\nthree\n")
    (state.logs / "prober.log").write_text("four id-1\n")
    return state


def test_the_last_lines_of_all_parts(state: State) -> None:
    assert logs_of(state, None).last(2, None) == [
        Line("post@east", "two id-1"),
        Line("post@east", "three"),
        Line("prober", "four id-1"),
    ]


def test_of_one_part(state: State) -> None:
    assert logs_of(state, "post@east").last(1, None) == [Line("post@east", "three")]


def test_all_about_one_request(state: State) -> None:
    lines = logs_of(state, None).last(None, "id-1")
    assert lines == [Line("post@east", "two id-1"), Line("prober", "four id-1")]


def test_an_id_is_matched_as_a_whole(state: State) -> None:
    (state.logs / "post@east.log").write_text('{"message": "a", "request": "id-12"}\nGET ?x=id-1&y x-id-1\n')
    lines = logs_of(state, "post@east").last(None, "id-1")
    assert [line.text for line in lines] == ["GET ?x=id-1&y x-id-1"]
    assert logs_of(state, "post@east").last(None, "id") == []


def test_lines_of_all_parts_are_sorted_by_time_and_what_has_none_stays_behind_its_line(state: State) -> None:
    (state.logs / "post@east.log").write_text(
        '{"time": "2026-01-31T12:00:01+00:00", "level": "info", "message": "first"}\n'
        '{"time": "2026-01-31T12:00:03+00:00", "level": "error", "message": "third"}\n'
        "Traceback\n"
    )
    (state.logs / "prober.log").write_text(
        'time=2026-01-31T12:00:02.5Z level=INFO source=main.go:1 msg="second \\"b\\"" x=1\n'
        '{"time": "2026-01-31T12:00:04+00:00", "level": "info", "message": "fourth"}\n'
    )
    lines = logs_of(state, None).last(None, None)
    assert [line.told.words for line in lines] == ["first", 'second "b" x=1', "third", "Traceback", "fourth"]
    assert [line.told.level for line in lines] == ["info", "info", "error", "", "info"]


@pytest.mark.parametrize(
    ("text", "words", "level", "time"),
    [
        ("24:M 26 Nov 2026 11:40:00.250 # Out of memory", "Out of memory", "warning", 1795693200.25),
        ("24:M 26 Non 2026 11:40:00.250 # What", "24:M 26 Non 2026 11:40:00.250 # What", "", None),
        ('{"message": 3, "time": "never"}', "3", "", None),
        ("{torn", "{torn", "", None),
        ("[1, 2]", "[1, 2]", "", None),
    ],
)
def test_what_a_line_tells(text: str, words: str, level: str, time: float | None) -> None:
    told = Line("store@east", text, UTC).told
    assert (told.words, told.level, told.time) == (words, level, time)


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
        assert next(lines).text == "five"
        assert next(lines).text == "six"
        timer.join()


def test_what_maintenance_has_put_aside_is_still_there_and_what_comes_then_is_followed(state: State) -> None:
    lines = logs_of(state, "prober").follow(None)
    log = state.logs / "prober.log"

    def write(mode: str, text: str) -> None:
        with log.open(mode) as file:
            file.write(text)

    threading.Timer(0.5, write, ("a", "a line that is long\n")).start()
    assert next(lines) == Line("prober", "a line that is long")
    (state.logs / "prober.log.1").write_text(log.read_text())
    threading.Timer(0.5, write, ("w", "after\n")).start()
    assert next(lines) == Line("prober", "after")
    assert [line.text for line in logs_of(state, "prober").last(None, None)] == [
        "four id-1",
        "a line that is long",
        "after",
    ]
