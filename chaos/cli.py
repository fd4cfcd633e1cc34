"""`failwhale chaos ...`: break the site, see what is broken, heal it."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Sequence
from copy import copy
from typing import Annotated, Any

import typer

from chaos import following
from chaos.catalogue import all_faults, fault_named
from chaos.client import Client
from chaos.fault import PARTS, REGISTER, SERVICES
from chaos.fault_command import Answer, command_of, no_answer, spell_bounds
from chaos.fault_rows import active as active_faults
from chaos.fault_rows import history as all_known
from chaos.fault_rows import is_over, spell_from
from chaos.heal import heal as heal_site
from chaos.heal import refuse_unhealed
from chaos.journeys import JOURNEYS_OF
from chaos.progress import FaultProgress, spell_healing
from foundation.clock import parse
from foundation.commands import App, Group
from foundation.console import (
    DEFAULT_STATE,
    JsonOption,
    QuietOption,
    StateOption,
    print_json,
    print_table,
    spell_duration,
    stdout,
)
from foundation.state import State
from foundation.suggestions import close_to, unknown
from foundation.verdict import spell


class _Group(Group):
    """An unknown command is an unknown fault, and the answer lists the faults; unless it is nearer to one of
    the commands that are no faults. Without a command it is asked for help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args or ["--help"])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            meant = close_to(args[0], list(self.commands), 1)
            if not meant or meant[0] in REGISTER:
                fault_named(args[0])
        return super().resolve_command(ctx, args)


app = App(
    cls=_Group,
    add_completion=False,
    help="Break the site, see what is broken, heal it.\n\nExample: failwhale chaos kill post@east --for 10s",
)


# --- what there is, what is in force ---


@app.command(
    "list",
    help="List the faults, what each can be done to, and whom that hurts.\n\nExample: failwhale chaos list",
)
def list_faults(json: JsonOption = False) -> None:
    faults = [fault.describe() for fault in all_faults() if fault.listed]
    if json:
        print_json(faults)
        return
    _print_in_two_columns(
        [
            ("fault", ["what it does, and where"]),
            *(
                (fault["name"], [fault["help"], _spell_targets(fault["targets"]), *_spell_needs(fault)])
                for fault in faults
            ),
        ]
    )
    stdout().print()
    _print_in_two_columns(
        [
            ("where", ["which journeys of the users may be hurt"]),
            *((part, [", ".join(JOURNEYS_OF.get(part, ())) or "none"]) for part in PARTS),
        ]
    )
    stdout().print("\nfailwhale chaos show FAULT tells its parameters.")


def _print_in_two_columns(rows: Sequence[tuple[str, list[str]]]) -> None:
    """Rows of a name and paragraphs, broken between words where the terminal ends."""
    indent = max(len(name) for name, _ in rows) + 2
    width = max(stdout().width, indent + 20)
    for name, paragraphs in rows:
        margin = f"{name:{indent}}"
        for paragraph in paragraphs:
            for line in textwrap.wrap(paragraph, width - indent, break_on_hyphens=False):
                stdout().print(f"{margin}{line}", markup=False)
                margin = " " * indent


def _spell_targets(services: list[str]) -> str:
    return "at: any service" if services == list(SERVICES) else f"at: {', '.join(services)}"


def _spell_needs(fault: dict[str, Any]) -> list[str]:
    """A line where it can be done, unless that is everywhere."""
    needs = fault["needs"]
    return [f"on {' and '.join(fault['runtimes'])} only: it needs {needs}"] if needs else []


@app.command(
    help="Show one fault: what it does, where and on which runtimes, its parameters, and whom it may hurt."
    "\n\nExample: failwhale chaos show latency"
)
def show(
    name: Annotated[str, typer.Argument(metavar="FAULT", help="As `failwhale chaos list` has it.")],
    json: JsonOption = False,
) -> None:
    fault = fault_named(name)
    described = fault.describe()
    if json:
        print_json(described)
        return
    options = ["--for DURATION", *(["--from SELECTOR"] if fault.of_calls else [])]
    rows = [
        (fault.name, [fault.help]),
        ("at", [_spell_targets(described["targets"]).removeprefix("at: ")]),
        (
            "on",
            [
                ", ".join(described["runtimes"]),
                *([f"needs {needs}"] if (needs := described["needs"]) else []),
            ],
        ),
        ("may hurt", [", ".join(described["hurts"]) or "no journey"]),
        ("options", [*options, *(f"{one.flag}: {one.help} {spell_bounds(one)}" for one in fault.parameters)]),
        ("example", [fault.example]),
    ]
    _print_in_two_columns(rows)


@app.command(help="Show the faults that are not over.\n\nExample: failwhale chaos active")
def active(state: StateOption = DEFAULT_STATE, json: JsonOption = False) -> None:
    faults = active_faults(State(state))
    if json:
        print_json(faults)
    elif not faults:
        stdout().print("no active faults")
    else:
        columns = ("id", "fault", "target", "ends in", "phase", "verified")
        print_table(
            columns,
            [
                [
                    fault["id"],
                    fault["fault"],
                    f"{fault['target']}{spell_from(fault)}",
                    spell_duration(max(parse(fault["until"]) - time.time(), 0.0)),
                    fault["phase"],
                    spell(fault["verified"]),
                ]
                for fault in faults
            ],
        )


# --- healing and blocking ---


@app.command(
    help="End one fault before its limit, wherever it is in force, and wait until it is undone.\n\n"
    "Example: failwhale chaos end kill-5f3a9c"
)
def end(
    identifier: Annotated[
        str, typer.Argument(metavar="ID", help="Of the fault, as `failwhale chaos active` shows it.")
    ],
    state: StateOption = DEFAULT_STATE,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    site = State(state)
    known = {fault["id"]: fault for fault in all_known(site)}
    if identifier not in known:
        raise unknown("active fault", identifier, (fault["id"] for fault in active_faults(site)))
    now = known[identifier]
    was_over = is_over(now)
    if not was_over:
        with FaultProgress(quiet=quiet, verbose=True) as progress:  # its end is what was asked for
            now = following.end(site, identifier, progress)
    if json:
        print_json(now)
    refuse_unhealed({"faults": [now], "mended": [], "broken": []})
    if not json and not quiet:
        stdout().print(f"{identifier} {'was over already' if was_over else 'is over'}")


@app.command(
    help="Undo every fault and make every part well again; may be repeated. With the id of a fault, or a "
    "target, only that: all faults on one of its parts, on whatever else they are.\n\n"
    "Examples:\nfailwhale chaos heal\nfailwhale chaos heal post@east"
)
def heal(
    what: Annotated[
        str | None, typer.Argument(metavar="ID | TARGET", help="What to heal; everything without it.")
    ] = None,
    state: StateOption = DEFAULT_STATE,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    with FaultProgress(quiet=quiet) as progress:
        result = heal_site(State(state), progress, what)
    if json:
        print_json(result)
    refuse_unhealed(result)
    if not json and not quiet:
        stdout().print(spell_healing(result, what))


@app.command(help="End all faults and refuse new ones, until `unblock`.\n\nExample: failwhale chaos block")
def block(state: StateOption = DEFAULT_STATE, json: JsonOption = False, quiet: QuietOption = False) -> None:
    ended = Client(State(state)).block()
    if json:
        print_json({"blocked": True, "faults": ended})
    elif not quiet:
        stdout().print(f"blocked; faults ended: {len(ended)} (failwhale chaos unblock allows new ones)")
    refuse_unhealed({"faults": ended, "mended": [], "broken": []})


@app.command(help="Allow faults again.\n\nExample: failwhale chaos unblock")
def unblock(state: StateOption = DEFAULT_STATE, json: JsonOption = False, quiet: QuietOption = False) -> None:
    Client(State(state)).unblock()
    if json:
        print_json({"blocked": False})
    elif not quiet:
        stdout().print("faults are allowed")


# --- the faults ---


def commands(answer: Answer = no_answer) -> typer.Typer:
    """All these commands and those of the faults, which end with what `answer` says of users."""
    whole = copy(app)
    whole.registered_commands = list(app.registered_commands)
    for fault in all_faults():
        words = f"{fault.help}\n\nExample: {fault.example}"
        add = whole.command(fault.name, help=words, hidden=not fault.listed, rich_help_panel="Faults")
        add(command_of(fault, answer))
    return whole
