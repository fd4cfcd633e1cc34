"""`failwhale protections`: what guards the site against overload and dead replicas, switched live by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
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
from testbed.inventory import Part
from testbed.site import Site


class OnOff(StrEnum):
    on = "on"
    off = "off"


def protections(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="deadlines, retries, ejection or shedding.")
    ] = "",
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
    services = [part for part in site.inventory.parts if part.kind == "service"]
    answers = {part.name: _ask(site, part, name, switch) for part in services}
    rows = {part: states for part, states in answers.items() if states is not None}
    if json:
        print_json([{"part": part, **_spell(states)} for part, states in rows.items()])
    else:
        columns = list(next(iter(rows.values()), {}))
        told = [(part, *_spell(states).values()) for part, states in rows.items()]
        print_table(("part", *columns), told)
    if silent := [part for part, states in answers.items() if states is None]:
        stderr().print(f"No answer from {', '.join(silent)}: see failwhale status")
        raise typer.Exit(FAILED)


def _ask(site: Site, part: Part, name: str = "", switch: OnOff | None = None) -> dict[str, bool] | None:
    """Which protections of a service are on, after one of them was switched if that is wanted; None: it does
    not answer. Raises Failure (usage) for a name that it does not know."""
    control = site.control(part)
    try:
        if switch is None:
            answer = control.ask("GET", "/-/protections")
        else:
            answer = control.ask("PUT", f"/-/protections/{name}", {"on": switch is OnOff.on})
    except Unreachable:
        return None
    if answer.status == 404:
        raise Failure(f"no protection is named {name!r}", answer.detail, USAGE)
    return dict(answer.json())


def _ask_if_possible(site: Site, part: Part) -> dict[str, bool] | None:
    """The same, but for a site without certificates or a token, too: there nobody can be asked."""
    try:
        return _ask(site, part)
    except (Failure, OSError, ValueError):
        return None


def _spell(states: Mapping[str, bool]) -> dict[str, str]:
    return {name: "on" if on else "off" for name, on in states.items()}


def switched_off(site: Site, parts: Collection[str]) -> dict[str, list[str]]:
    """By protection that is off somewhere, the services where it is, of these parts. They are asked all at
    once; of one that does not answer nothing is said."""
    services = [part for part in site.inventory.parts if part.kind == "service" and part.name in parts]
    with ThreadPoolExecutor(max(1, len(services))) as together:
        answers = list(together.map(lambda part: _ask_if_possible(site, part), services))
    off: dict[str, list[str]] = {}
    for part, states in zip(services, answers, strict=True):
        for name in (name for name, on in (states or {}).items() if not on):
            off.setdefault(name, []).append(part.name)
    return off
