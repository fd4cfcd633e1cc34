"""`failwhale protections`: what guards the site against overload and dead replicas, switched live by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Annotated, Any

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
from foundation.suggestions import unknown
from testbed.control import Unreachable
from testbed.inventory import Part
from testbed.site import Site
from testbed.sitefile import refuse_down

Info = Mapping[str, Any]


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
    keep: Annotated[
        bool, typer.Option("--keep", help="Configure it: a service that is restarted has it so, too.")
    ] = False,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why: with --keep, for those who look later.")
    ] = "",
    state: StateOption = DEFAULT_STATE,
    json: JsonOption = False,
) -> None:
    """Show the protections of every service, or switch one of them everywhere, live.

    A service that is restarted has each of them as the configuration says: on, unless that was changed with
    --keep, or with failwhale config set protections.NAME.

    Examples:
      failwhale protections retries off
      failwhale protections retries off --keep --reason "the load test without them"
    """
    if bool(name) != (switch is not None) or (keep and switch is None):
        raise Failure(
            "to switch a protection, say its name and on or off", "failwhale protections retries off", USAGE
        )
    refuse_down(State(state))
    site = Site(State(state))
    if keep and switch is not None:
        _configure(State(state), name, switch, reason)
    services = [part for part in site.inventory.parts if part.kind == "service"]
    answers = {part.name: _ask(site, part, name, switch) for part in services}
    rows = {part: states for part, states in answers.items() if states is not None}
    if json:
        print_json([{"part": part, **_spell(states)} for part, states in rows.items()])
    elif rows:
        columns = list(next(iter(rows.values())))
        told = [(part, *_spell(states).values()) for part, states in rows.items()]
        print_table(("part", *columns), told)
    if silent := [part for part, states in answers.items() if states is None]:
        stderr().print(f"No answer from {', '.join(silent)}: see failwhale status")
        raise typer.Exit(FAILED)


def _configure(state: State, name: str, switch: OnOff, reason: str) -> None:
    """Have it so in the configuration. Says who does not go by it yet. Raises Failure (usage) for a name that
    there is not."""
    from failwhale.config import spell_outcome
    from foundation.user import user
    from services.platform.protections import PROTECTIONS
    from testbed.configuration import setting
    from testbed.recorded_change import apply

    if name not in PROTECTIONS:
        raise unknown("protection", name, PROTECTIONS)
    value = None if switch is OnOff.on else False
    change = apply(state, setting({f"protections.{name}": value}, user(), reason or None))
    for line in spell_outcome(change):
        stderr().print(line, markup=False)


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


def _info_if_possible(site: Site, part: Part) -> Info:
    """What a service says of itself; nothing when it does not answer, nor on a site without certificates or a
    token: there nobody can be asked."""
    try:
        return dict(site.control(part).ask("GET", "/-/info").json())
    except (Unreachable, Failure, OSError, ValueError):
        return {}


def _spell(states: Mapping[str, bool]) -> dict[str, str]:
    return {name: "on" if on else "off" for name, on in states.items()}


def say_of_themselves(site: Site, parts: Collection[str]) -> dict[str, Info]:
    """What each of these services says of itself: its protections, its version of the configuration. They are
    asked all at once; of one that does not answer there is nothing."""
    services = [part for part in site.inventory.parts if part.kind == "service" and part.name in parts]
    with ThreadPoolExecutor(max(1, len(services))) as together:
        answers = list(together.map(lambda part: _info_if_possible(site, part), services))
    return {part.name: info for part, info in zip(services, answers, strict=True)}


def switched_off(infos: Mapping[str, Info]) -> dict[str, list[str]]:
    """By protection that is off somewhere, the services where it is."""
    off: dict[str, list[str]] = {}
    for part, info in infos.items():
        for name in (name for name, on in info.get("protections", {}).items() if not on):
            off.setdefault(name, []).append(part)
    return off
