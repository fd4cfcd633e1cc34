"""`failwhale chaos ...`: break the site, see what is broken, heal it."""

from __future__ import annotations

import time
from typing import Any

import typer

from chaos.client import Client
from chaos.fault import all_faults, fault_named
from chaos.fault_command import command_of
from chaos.heal import heal as heal_site
from chaos.heal import refuse_unhealed
from chaos.progress import Progress
from chaos.view import active as active_faults
from failwhale.console import (
    DEFAULT_STATE,
    JsonOption,
    QuietOption,
    StateOption,
    print_json,
    print_table,
    spell_duration,
    stdout,
)
from failwhale.state import State
from outages.clock import parse


class _Group(typer.core.TyperGroup):
    """An unknown command is an unknown fault, and the answer lists the faults."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            fault_named(args[0])
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Break the site, see what is broken, heal it. Example: failwhale chaos kill post@east --for 10s",
)


# --- what there is, what is in force ---


@app.command("list", help="List the faults. Example: failwhale chaos list --json")
def list_faults(json: JsonOption = False) -> None:
    faults = [fault.describe() for fault in all_faults() if fault.listed]
    if json:
        print_json(faults)
        return
    print_table(("FAULT", "WHAT IT DOES"), [(fault["name"], fault["help"]) for fault in faults])
    stdout().print("\nfailwhale chaos FAULT --help tells its parameters.")


@app.command(help="Show the faults that are not over. Example: failwhale chaos active")
def active(state: StateOption = DEFAULT_STATE, json: JsonOption = False) -> None:
    faults = active_faults(State(state))
    if json:
        print_json(faults)
    elif not faults:
        stdout().print("no fault is in force")
    else:
        columns = ("ID", "FAULT", "TARGET", "ENDS IN", "APPLIED", "PROVED", "REVERTED", "GONE")
        print_table(
            columns,
            [
                [
                    *(fault[key] for key in ("id", "fault", "target")),
                    spell_duration(max(parse(fault["until"]) - time.time(), 0.0)),
                    *(_spell_verdict(fault[key]) for key in ("applied", "proved", "reverted", "gone")),
                ]
                for fault in faults
            ],
        )


# --- healing and blocking ---


@app.command(
    help="Undo every fault and make every part well again; may be repeated. Example: failwhale chaos heal"
)
def heal(state: StateOption = DEFAULT_STATE, json: JsonOption = False, quiet: QuietOption = False) -> None:
    with Progress(quiet=quiet) as progress:
        result = heal_site(State(state), progress.say)
        for fault in result["faults"]:
            progress.tell(fault)
    if json:
        print_json(result)
    refuse_unhealed(result)
    if not json and not quiet:
        undone, mended = len(result["faults"]), len(result["mended"])
        stdout().print(f"faults undone: {undone}, other things mended: {mended}; every part is ready")


@app.command(help="End all faults and refuse new ones, until `unblock`. Example: failwhale chaos block")
def block(state: StateOption = DEFAULT_STATE, json: JsonOption = False, quiet: QuietOption = False) -> None:
    ended = Client(State(state)).block()
    if json:
        print_json({"blocked": True, "faults": ended})
    elif not quiet:
        stdout().print(f"blocked; faults ended: {len(ended)} (failwhale chaos unblock allows new ones)")
    refuse_unhealed({"faults": ended, "broken": []})


@app.command(help="Allow faults again. Example: failwhale chaos unblock")
def unblock(state: StateOption = DEFAULT_STATE, json: JsonOption = False, quiet: QuietOption = False) -> None:
    Client(State(state)).unblock()
    if json:
        print_json({"blocked": False})
    elif not quiet:
        stdout().print("faults are allowed")


def _spell_verdict(verdict: bool | None) -> str:
    return "-" if verdict is None else "yes" if verdict else "no"


for _fault in all_faults():
    app.command(_fault.name, help=f"{_fault.help} Example: {_fault.example}", hidden=not _fault.listed)(
        command_of(_fault)
    )
