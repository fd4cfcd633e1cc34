"""What every command has in common: values with units, shared options, output, errors, exit codes.

Nothing heavy is imported at module level, since `failwhale --help` passes through here.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import sys
import textwrap
import traceback
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from foundation.failure import (
    BASELINE_NOT_MET,
    FAILED,
    INCONCLUSIVE,
    INTERRUPTED,
    NOT_RESTORED,
    OK,
    USAGE,
    Failure,
)

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "BASELINE_NOT_MET",
    "DEFAULT_STATE",
    "FAILED",
    "INCONCLUSIVE",
    "INTERRUPTED",
    "NOT_RESTORED",
    "OK",
    "USAGE",
    "Failure",
    "JsonOption",
    "QuietOption",
    "StateOption",
    "duration",
    "duration_option",
    "is_terminal",
    "print_json",
    "print_table",
    "report",
    "run",
    "share",
    "share_option",
    "spell_duration",
    "stderr",
    "stdout",
]

DEFAULT_STATE = Path(".failwhale")
LIKELY = 0.8
"""How alike an option must be to be suggested for one that there is not."""
LEAST_WIDTH = 6
"""Narrower than this, a column of a table says nothing any more."""

_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h)")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_SHARE = re.compile(r"(?P<number>\d+(?:\.\d+)?)%")


# --- values with units ---


def duration(text: str) -> float:
    """Seconds meant by `500ms`, `10s`, `2m`, `1h`. ValueError with a readable text for anything else."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a duration: write it like 500ms, 10s or 2m")
    seconds = float(match["number"]) * _UNIT_SECONDS[match["unit"]]
    if seconds <= 0:
        raise ValueError(f"{text!r} is not a duration: it must be longer than zero")
    return seconds


def share(text: str) -> float:
    """Part of one meant by `20%`: above 0, at most 1. ValueError with a readable text for anything else."""
    match = _SHARE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a share: write it like 20%")
    part = float(match["number"]) / 100
    if not 0 < part <= 1:
        raise ValueError(f"{text!r} is not a share: it must be above 0% and at most 100%")
    return part


def duration_option(value: str | float) -> float:
    """`parser=` of a Typer option whose value is a duration; its default may be given in seconds already."""
    if isinstance(value, (int, float)):
        return float(value)
    try:
        return duration(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def share_option(value: str | float) -> float:
    """`parser=` of a Typer option whose value is a share; its default may be given as a number already."""
    if isinstance(value, (int, float)):
        return float(value)
    try:
        return share(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def spell_duration(seconds: float) -> str:
    """A duration for a person: `340ms`, `2.4s`, `3m10s`, `24h`."""
    if not math.isfinite(seconds):
        return f"{seconds:g}s"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}".removesuffix(".0") + "s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60 and not rest:
        hours, minutes = divmod(minutes, 60)
        return f"{hours}h{minutes:02d}m" if minutes else f"{hours}h"
    return f"{minutes}m{rest:02d}s" if rest else f"{minutes}m"


# --- options that every command shares ---

StateOption = Annotated[
    Path,
    typer.Option(
        "--state", envvar="FAILWHALE_STATE", metavar="DIR", help="Folder of the site; one per site."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]


# --- output ---


NAMED = 3
"""Things of a kind that are told by their names; of more it is told how many they are."""


def spell_names(names: Collection[str], many: str) -> str:
    """A few by their names; of more than that what is said instead, such as `7 parts`."""
    return ", ".join(names) if len(names) <= NAMED else many


def stdout() -> Console:
    """The Rich console for results. Rich honours NO_COLOR and drops colours in a pipe by itself."""
    from rich.console import Console

    # A terminal's lines are broken between words; in a pipe nothing is, to fit a terminal that is not there.
    is_terminal = sys.stdout.isatty()
    width = None if is_terminal or "COLUMNS" in os.environ else 1000
    return Console(highlight=False, soft_wrap=not is_terminal, width=width)


def stderr() -> Console:
    """The Rich console for progress and errors, so that `--json` on stdout stays clean."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: object) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()
) -> None:
    """A plain table on stdout; `right` names the columns that are numbers. None is shown as nothing."""
    from rich.table import Table
    from rich.text import Text

    console = stdout()
    cells = [["" if cell is None else cell for cell in row] for row in rows]
    longest = [max(len(str(cell)) for cell in column) for column in zip(columns, *cells, strict=True)]
    fixed = {0, *(number for number, column in enumerate(columns) if column in right)}
    gap, widths = _fit(longest, fixed, console.width)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, gap, 0, 0))
    for number, (column, width) in enumerate(zip(columns, widths, strict=True)):
        justify: Literal["left", "right"] = "right" if column in right else "left"
        wraps = number == len(columns) - 1 and number not in fixed
        table.add_column(column, justify=justify, no_wrap=not wraps, min_width=width, max_width=width)
    for row in cells:
        table.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    # No narrower than its columns: what must not be cut goes over the edge, where the terminal wraps it.
    console.width = max(console.width, sum(widths) + gap * len(widths))
    console.print(table)


def _fit(longest: Sequence[int], fixed: Collection[int], room: int) -> tuple[int, list[int]]:
    """The gap between columns, and their widths, so that a table fits. First the gap gives way, then the
    widest of the columns that are text. What a row is about, and numbers, are never cut."""
    widths = list(longest)
    gap = 2 if sum(widths) + 2 * (len(widths) - 1) <= room else 1
    while sum(widths) + gap * (len(widths) - 1) > room:
        widest = max((n for n in range(len(widths)) if n not in fixed), key=widths.__getitem__, default=None)
        if widest is None or widths[widest] <= LEAST_WIDTH:
            break
        widths[widest] -= 1
    return gap, widths


def is_terminal() -> bool:
    """Whether progress can be drawn; otherwise print plain lines."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


# --- running a command ---


def run(app: typer.Typer, program: str, arguments: Sequence[str] | None = None) -> int:
    """Run a Typer app as a program and return its exit code.

    Every error becomes one line with its cause and the next step; `--debug`, anywhere on the line, or
    FAILWHALE_DEBUG in the environment, shows the traceback.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words or bool(os.environ.get("FAILWHALE_DEBUG"))
    words = [word for word in words if word != "--debug"] or ["--help"]
    command = typer.main.get_command(app)
    try:
        code = command.main(words, prog_name=program, standalone_mode=False)
        return code if isinstance(code, int) else OK
    except typer.Exit as leaving:
        return leaving.exit_code
    except (KeyboardInterrupt, typer.Abort):
        report("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe went away (`| head`): no error, but Python must not complain in its flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as error:
        if debug:
            traceback.print_exc()
        return _report_error(error, program)


def report(message: str, next_step: str = "") -> None:
    """The one way in which an error reaches the person: `failwhale: cause` and, below it, the next step."""
    line = f"failwhale: {' '.join(message.split())}"
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns
        line = textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
    sys.stderr.write(f"{line}\n")
    if next_step:  # a command in it is to be copied, so it stays in one piece
        sys.stderr.write(f"  {next_step}\n")


def _report_error(error: Exception, program: str) -> int:
    if isinstance(error, Failure):
        report(error.message, error.next_step)
        return error.code
    if isinstance(error, typer.TyperException):
        if possible := getattr(error, "possibilities", None):
            from difflib import get_close_matches  # only who mistypes pays for it

            option = str(getattr(error, "option_name", ""))
            vars(error)["possibilities"] = get_close_matches(option, possible, cutoff=LIKELY)
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else program
        report(error.format_message(), f"see: {path} --help")
        return USAGE
    cause = str(error) or "no details"
    report(f"{type(error).__name__}: {cause}", "the same command with --debug shows where this happened")
    return FAILED
