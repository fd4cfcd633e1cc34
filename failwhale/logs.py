"""`failwhale logs`: what the parts wrote, for people and for programs."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from foundation.clock import stamp
from foundation.console import DEFAULT_STATE, StateOption, stdout
from foundation.failure import Failure
from foundation.options import whole_number
from foundation.state import State
from testbed.runtimes.log_line import Line

STYLES = {"error": "red", "critical": "red", "warning": "yellow", "warn": "yellow", "debug": "dim"}


def logs(
    part: Annotated[str | None, typer.Argument(metavar="PART", help="One part; all without it.")] = None,
    state: StateOption = DEFAULT_STATE,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    request: Annotated[
        str | None, typer.Option("--request", metavar="ID", help="Only lines about this request.")
    ] = None,
    lines: Annotated[
        int,
        typer.Option(
            "--lines",
            "-n",
            parser=whole_number(0),
            metavar="NUMBER",
            help="How many of the last, of each part.",
        ),
    ] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object for each line.")] = False,
) -> None:
    """Show logs: of one part, or of all by time. With --request, all about one request, wherever it went.

    Times are in UTC. In a pipe the lines of one part are as it wrote them, and those of several are objects
    as with --json. The part `chaos` tells what was done to the site.

    Examples:
      failwhale logs post@east --follow
      failwhale logs chaos
      failwhale logs --request 5f0c2b1e
    """
    from testbed.logs import logs_of

    sources = logs_of(State(state), part)
    is_alone = len(sources.parts) == 1
    show = _show_as_json if as_json else _show_to_people if sys.stdout.isatty() else _show_in_a_pipe
    said = sources.last(lines if request is None else None, request)
    for line in said:
        show(line, is_alone)
    if request is not None and not said and not follow:
        where = "any log" if part is None else f"the log of {part}"
        raise Failure(
            f"nothing is in {where} about request {request}", "its answer bore the id as failwhale-request"
        )
    if follow:
        for line in sources.follow(request):
            show(line, is_alone)


def _show_as_json(line: Line, is_alone: bool) -> None:
    print(json.dumps(_content(line), ensure_ascii=False), flush=True)


def _show_in_a_pipe(line: Line, is_alone: bool) -> None:
    if is_alone:
        print(line.text, flush=True)
    else:
        _show_as_json(line, is_alone)


def _show_to_people(line: Line, is_alone: bool) -> None:
    from rich.text import Text

    told = line.told
    moment = "" if told.time is None else stamp(told.time)[len("2026-01-01T") : -len("456Z")]
    text = Text()
    text.append(f"{moment:12}  ", style="dim")
    if not is_alone:
        text.append(f"{line.part:16}  ", style="bold")
    style = STYLES.get(told.level, "")
    text.append(f"{told.level:7}  ", style=style)
    text.append(told.words, style=style)
    stdout().print(text)
    if traceback := (told.more or {}).get("traceback"):
        stdout().print(Text(str(traceback), style="dim"))


def _content(line: Line) -> dict[str, Any]:
    told = line.told
    return {
        "part": line.part,
        "time": None if told.time is None else stamp(told.time),
        "level": told.level or None,
        "message": told.words,
        **(told.more or {}),
    }
