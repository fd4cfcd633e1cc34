"""`failwhale logs`: what the parts have to say."""

from __future__ import annotations

from typing import Annotated

import typer

from foundation.console import DEFAULT_STATE, StateOption
from foundation.state import State


def logs(
    part: Annotated[str | None, typer.Argument(metavar="[PART]", help="One part; all without it.")] = None,
    state: StateOption = DEFAULT_STATE,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    request: Annotated[
        str | None, typer.Option("--request", metavar="ID", help="Only lines about this request.")
    ] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 20,
) -> None:
    """What the parts have to say. With --request, all they said about one request, wherever it went.

    Examples:
      failwhale logs post@east --follow
      failwhale logs --request 5f0c2b1e
    """
    from testbed.logs import logs_of

    sources = logs_of(State(state), part)
    for line in sources.last(lines if request is None else None, request):
        print(line)
    if follow:
        for line in sources.follow(request):
            print(line, flush=True)
