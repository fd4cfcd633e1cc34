"""`failwhale protections`: what guards the site against overload and dead replicas, switched live by name."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from foundation.console import (
    DEFAULT_STATE,
    FAILED,
    USAGE,
    Failure,
    JsonOption,
    StateOption,
    print_json,
    print_table,
    stderr,
)
from foundation.options import one_of
from foundation.state import State
from testbed.control import Unreachable
from testbed.site import Site


class OnOff(StrEnum):
    on = "on"
    off = "off"


def protections(
    name: Annotated[str, typer.Argument(help="deadlines, retries, ejection or shedding.")] = "",
    switch: Annotated[
        OnOff | None,
        typer.Argument(parser=one_of(OnOff), metavar="SWITCH", help="What it shall be: on or off."),
    ] = None,
    state: StateOption = DEFAULT_STATE,
    json: JsonOption = False,
) -> None:
    """Show the protections of every service, or switch one of them everywhere, live.

    A service that is restarted has all of them on again.

    Example: failwhale protections retries off
    """
    if bool(name) != (switch is not None):
        raise Failure(
            "to switch a protection, say its name and on or off", "failwhale protections retries off", USAGE
        )
    site = Site(State(state))
    rows = {}
    silent = []
    for part in site.inventory.parts:
        if part.kind != "service":
            continue
        control = site.control(part)
        try:
            if switch is None:
                answer = control.ask("GET", "/-/protections")
            else:
                answer = control.ask("PUT", f"/-/protections/{name}", {"on": switch is OnOff.on})
        except Unreachable:
            silent.append(part.name)
            continue
        if answer.status == 404:
            raise Failure(f"no protection is named {name!r}", answer.detail, USAGE)
        rows[part.name] = {key: "on" if on else "off" for key, on in answer.json().items()}
    if json:
        print_json([{"part": part, **states} for part, states in rows.items()])
    else:
        columns = list(next(iter(rows.values()), {}))
        print_table(("PART", *map(str.upper, columns)), [(part, *row.values()) for part, row in rows.items()])
    if silent:
        stderr().print(f"No answer from {', '.join(silent)}: see failwhale status")
        raise typer.Exit(FAILED)
