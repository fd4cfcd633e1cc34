"""The verbs of `failwhale`: a list, each loaded only when it is asked for."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from foundation.commands import App, Command, Group
from foundation.version import VERSION


@dataclass(frozen=True)
class Verb:
    """Where a verb lives: a Typer app, or one function, of a module; and its line in the list."""

    module: str
    attribute: str
    line: str
    panel: str


RUN = "Run the site"
USE = "Use it"
BREAK = "Break it"
MEASURE = "Measure it"

VERBS = {
    "demo": Verb("failwhale.demo", "demo", "The whole loop: start, load, break, heal, report.", RUN),
    "up": Verb("failwhale.up", "up", "Start the site and wait until every journey is green.", RUN),
    "status": Verb("failwhale.status", "status", "What runs, where, and how it is.", RUN),
    "logs": Verb("failwhale.logs", "logs", "Show logs, of one part or of all by time.", RUN),
    "open": Verb("failwhale.page", "open_page", "Show the site in a browser.", RUN),
    "down": Verb("failwhale.down", "down", "Stop everything; --purge removes every file, too.", RUN),
    "config": Verb("failwhale.config", "commands", "What its parts go by: show, change, roll back.", RUN),
    "populate": Verb("loadtests.cli", "populate", "Fill the site with people, posts and follows.", USE),
    "load": Verb("loadtests.cli", "load", "Send users to the site.", USE),
    "release": Verb("failwhale.release", "app", "Roll releases of its code out and back.", RUN),
    "chaos": Verb("failwhale.chaos", "app", "Break one thing, see what is broken, heal.", BREAK),
    "incident": Verb("failwhale.incident", "app", "Stories to play, judged by what users felt.", BREAK),
    "drill": Verb("failwhale.drill", "app", "Ways of escape: would the next loss be survived?", BREAK),
    "certificates": Verb(
        "failwhale.certificates", "app", "What each endpoint presents, days left; renew, rotate.", RUN
    ),
    "ops": Verb("failwhale.ops", "app", "What an engineer on call may do: restart, fail over, renew.", RUN),
    "protections": Verb(
        "failwhale.protections", "protections", "What guards the site; switch it live.", BREAK
    ),
    "watch": Verb("outages.cli", "watch", "The users' view, live.", MEASURE),
    "outages": Verb("outages.cli", "outages", "What users felt, and why.", MEASURE),
    "score": Verb("outages.cli", "score", "What users felt beside what the monitoring saw.", MEASURE),
    "report": Verb("outages.cli", "report", "The same as a page with the timeline drawn.", MEASURE),
}


class Verbs(Group):
    """Lists verbs from the table alone, and imports the one that is called: `failwhale --help` stays
    fast."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {
            name: Command(name, help=verb.line, rich_help_panel=verb.panel) for name, verb in VERBS.items()
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if name in VERBS:
            command = load(VERBS[name], name)
        return name, command, rest


def load(verb: Verb, name: str) -> Any:
    """The real command behind a verb."""
    found = getattr(importlib.import_module(verb.module), verb.attribute)
    if not isinstance(found, typer.Typer):
        single = App(add_completion=False)
        single.command(name)(found)
        found = single
    command = typer.main.get_command(found)
    command.name = name
    return command


app = App(cls=Verbs, add_completion=True)


def _say_version(wanted: bool) -> None:
    if wanted:
        print(f"failwhale {VERSION}")
        raise typer.Exit


@app.callback(
    epilog="--debug, anywhere on the line, shows where an error happened. NO_COLOR is honoured.",
)
def failwhale(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """A social network you can break.

    Two commands to begin with: `failwhale up`, then `failwhale chaos kill post@east --for 10s`.
    Or see it all at once: `failwhale demo`.
    """
