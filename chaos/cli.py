"""`failwhale chaos ...`: break the site, see what is broken, heal it."""

from __future__ import annotations

import secrets
import time
from copy import copy
from json import dumps
from typing import Annotated, Any

import typer

from chaos import following
from chaos.catalogue import by_family, fault_named
from chaos.client import Client
from chaos.fault import REGISTER
from chaos.fault_command import Answer, command_of, no_answer
from chaos.fault_list import fitting, print_journeys, print_list, print_whole
from chaos.fault_rows import FaultRow, is_over, spell_from
from chaos.fault_rows import active as active_faults
from chaos.fault_rows import history as all_known
from chaos.heal import heal as heal_site
from chaos.heal import refuse_unhealed
from chaos.noise import draw, make
from chaos.progress import FaultProgress, heading, spell_healing
from foundation.clock import parse
from foundation.commands import App, Group
from foundation.console import (
    DEFAULT_STATE,
    JsonOption,
    QuietOption,
    StateOption,
    duration_option,
    print_json,
    print_table,
    spell_duration,
    stdout,
)
from foundation.options import whole_number
from foundation.state import State
from foundation.suggestions import close_to, unknown
from foundation.verdict import spell
from testbed.sitefile import SiteFile, refuse_down


class _Group(Group):
    """An unknown command is an unknown fault, and the answer lists the faults; unless it is nearer to one of
    the commands that are no faults."""

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
    help="List the faults by family: what each does, and where it can be done.\n\nExamples:\n"
    "failwhale chaos list\nfailwhale chaos list replica\nfailwhale chaos list --hurts notification",
)
def list_faults(
    word: Annotated[
        str | None, typer.Argument(metavar="WORD", help="In the name, the family or the help of a fault.")
    ] = None,
    family: Annotated[str | None, typer.Option(metavar="FAMILY", help="Only this family.")] = None,
    hurts: Annotated[
        str | None, typer.Option(metavar="JOURNEY", help="Only what may hurt this journey.")
    ] = None,
    json: JsonOption = False,
) -> None:
    faults = fitting(word, family, hurts)
    if json:
        print_json([fault.describe() for fault in faults])
        return
    print_list(faults)
    if word is family is hurts is None:
        print_journeys()
    stdout().print("failwhale chaos show FAULT tells all about one, its parameters, too.")


@app.command(
    help="Show one fault: what it does, where and on which runtimes, its parameters, and whom it may hurt."
    "\n\nExample: failwhale chaos show latency"
)
def show(
    name: Annotated[str, typer.Argument(metavar="FAULT", help="As `failwhale chaos list` has it.")],
    json: JsonOption = False,
) -> None:
    fault = fault_named(name)
    if json:
        print_json(fault.describe())
    else:
        print_whole(fault)


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


@app.command(
    help="Draw harmless small faults until interrupted, for what goes on in every site beside an incident. "
    "No user shall notice them, and no alert fire.\n\nExample: failwhale chaos noise --seed 7 --every 10s"
)
def noise(
    seed: Annotated[
        int | None, typer.Option(parser=whole_number(), metavar="NUMBER", help="Draws the same again.")
    ] = None,
    every: Annotated[
        float,
        typer.Option(
            parser=duration_option,
            metavar="DURATION",
            help="From one to the next. (default 10s)",
            show_default=False,
        ),
    ] = 10.0,
    for_: Annotated[
        float | None,
        typer.Option(
            "--for",
            parser=duration_option,
            metavar="DURATION",
            help="When it ends by itself.",
            show_default=False,
        ),
    ] = None,
    state: StateOption = DEFAULT_STATE,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    site = State(state)
    refuse_down(site)
    seed = secrets.randbelow(2**31) if seed is None else seed

    def told(row: FaultRow | None, why: str) -> None:
        if json:
            print(dumps(row if row is not None else {"refused": why}), flush=True)
        elif not quiet:
            stdout().print(heading(row) if row is not None else f"not done: {why}", markup=False)

    if not json and not quiet:
        stdout().print(f"noise of seed {seed}, every {spell_duration(every)}; Ctrl-C ends it")
    drawn = draw(seed, SiteFile.read(site).runtime)
    number = make(site, drawn, seed, every, for_, told)
    if not json and not quiet:
        stdout().print(f"{number} small faults; what users felt: failwhale outages")


# --- the faults ---


def commands(answer: Answer = no_answer) -> typer.Typer:
    """All these commands and those of the faults, which end with what `answer` says of users."""
    whole = copy(app)
    whole.registered_commands = list(app.registered_commands)
    for fault in by_family():
        words = f"{fault.help}\n\nExample: {fault.example}"
        panel = f"Faults: {fault.family}"
        add = whole.command(
            fault.name, help=words, short_help=fault.summary, hidden=not fault.listed, rich_help_panel=panel
        )
        add(command_of(fault, answer))
    return whole
