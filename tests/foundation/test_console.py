from __future__ import annotations

from typing import Annotated

import pytest
import typer

from foundation import console
from foundation.console import (
    Failure,
    duration,
    duration_option,
    share,
    share_option,
    spell_duration,
)


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("10s", 10), ("1.5s", 1.5), ("2m", 120), ("1h", 3600), (" 3s ", 3)]
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "-5s", "0s", "ten seconds", "5 s", "1m30", "nan s", "1e3s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        duration(text)


@pytest.mark.parametrize(("text", "part"), [("20%", 0.2), ("100%", 1.0), ("0.5%", 0.005)])
def test_shares(text: str, part: float) -> None:
    assert share(text) == pytest.approx(part)


@pytest.mark.parametrize("text", ["", "20", "0.2", "0%", "101%", "-5%", "all"])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(ValueError, match="is not a share"):
        share(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0042, "4ms"), (0.34, "340ms"), (1, "1s"), (2.44, "2.4s"), (59.99, "1m"), (190, "3m10s"), (120, "2m")],
)
def test_spells_durations(seconds: float, text: str) -> None:
    assert spell_duration(seconds) == text


app = typer.Typer()


@app.command()
def break_it(
    target: str,
    length: Annotated[float, typer.Option("--for", parser=duration_option)] = 10.0,
    part: Annotated[float, typer.Option("--share", parser=share_option)] = 1.0,
    error: str = "",
) -> None:
    if error == "failure":
        raise Failure("the cause,\nin two lines", "do this next", code=5)
    if error == "bug":
        raise RuntimeError("something odd")
    if error == "interrupt":
        raise KeyboardInterrupt
    if error == "exit":
        raise typer.Exit(4)
    print(target, length, part)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = console.run(app, "break-it", words)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_command_that_works(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "post", "--for", "500ms", "--share", "20%") == (0, "post 0.5 0.2\n", "")
    assert run(capsys, "post") == (0, "post 10.0 1.0\n", "")


@pytest.mark.parametrize(
    ("words", "code", "first", "second"),
    [
        (["post", "--error", "failure"], 5, "failwhale: the cause, in two lines", "  do this next"),
        (
            ["post", "--for", "-5s"],
            2,
            "failwhale: Invalid value for '--for': '-5s' is not",
            "  see: break-it --help",
        ),
        (
            ["post", "--share", "2"],
            2,
            "failwhale: Invalid value for '--share': '2' is not",
            "  see: break-it --help",
        ),
        (["post", "--nonsense"], 2, "failwhale: No such option: --nonsense", "  see: break-it --help"),
        (["post", "--for"], 2, "failwhale: Option '--for' requires an argument", "  see: break-it --help"),
        (
            ["post", "--error", "bug"],
            1,
            "failwhale: RuntimeError: something odd",
            "  the same command with --debug",
        ),
        (["post", "--error", "interrupt"], 130, "", ""),
        (["post", "--error", "exit"], 4, "", ""),
    ],
)
def test_every_error_is_a_line_a_next_step_and_a_code(
    capsys: pytest.CaptureFixture[str], words: list[str], code: int, first: str, second: str
) -> None:
    ended, out, err = run(capsys, *words)
    assert ended == code
    assert out == ""
    lines = [*err.splitlines(), "", ""]
    assert lines[0].startswith(first)
    assert lines[1].startswith(second)
    assert "Traceback" not in err
    assert len(err.splitlines()) <= 2


def test_debug_shows_where(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "post", "--error", "bug", "--debug")
    assert code == 1
    assert "Traceback" in err


def test_no_words_mean_help(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys)
    assert code == 0
    assert "Usage" in out


def test_tables_lose_nothing_in_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    long = "x" * 300
    console.print_table(("name", "value"), [("a", long), ("b", None)], right=("value",))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["a", long]
    assert lines[2].split() == ["b"]


STATUS = ("part", "state", "role", "pid", "address", "release", "memory", "restarts")
WITNESS = ("sentinel@witness", "unready", "primary", 4194304, "127.0.0.1:20001", "1.0", "123 MB", 2)


def test_the_longest_row_of_status_fits_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    console.print_table(STATUS, [WITNESS], right=("pid", "memory", "restarts"))
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == list(STATUS)
    assert row.split() == " ".join(map(str, WITNESS)).split()
    assert len(row) <= 80


@pytest.mark.parametrize("width", ["60", "40", "10"])
def test_a_narrow_terminal_cuts_text_and_drops_no_column(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    console.print_table(STATUS, [WITNESS], right=("pid", "memory", "restarts"))
    head, row = capsys.readouterr().out.splitlines()
    assert len(head.split()) == len(STATUS)
    assert "sentinel@witness" in row
    assert " 4194304 " in row
    assert "…" in row


def test_the_last_column_wraps(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    console.print_table(("fault", "what it does"), [("kill", "kill the process and keep it down")])
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 30 for line in lines)
    assert " ".join(" ".join(lines[1:]).split()) == "kill kill the process and keep it down"
