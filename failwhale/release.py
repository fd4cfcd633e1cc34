"""`failwhale release ...`: which releases there are, what runs where, and rolling them out and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from foundation.commands import App, Group
from foundation.console import (
    DEFAULT_STATE,
    FAILED,
    Failure,
    JsonOption,
    QuietOption,
    StateOption,
    print_json,
    print_table,
    share_option,
    stderr,
    stdout,
)
from foundation.progress import Progress
from foundation.state import State

if TYPE_CHECKING:
    from testbed.inventory import Part
    from testbed.roll_out import Move, RollOut
    from testbed.site import Site

app = App(
    cls=Group,
    add_completion=False,
    help="Roll releases of the site's code out and back.\n\nExample: failwhale release roll-out 1.1 post:all",
)

TARGET = typer.Argument(
    metavar="TARGET", help="A service's part, post:all, place:east, or several. Without: every service."
)
Target = Annotated[str, TARGET]
Share = Annotated[
    float,
    typer.Option(
        parser=share_option, metavar="SHARE", help="Of the replicas of each kind, this share only: 50%."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
AtOnce = Annotated[
    bool, typer.Option("--at-once", help="All replicas at the same time, not one after the other.")
]


@app.command(
    "list",
    help="List the releases: what differs, in which services, whom it hurts, and where each runs."
    "\n\nExample: failwhale release list",
)
def list_releases(state: StateOption = DEFAULT_STATE, json: JsonOption = False) -> None:
    from services.releases import all_releases

    running = _running(State(state))
    rows: list[dict[str, Any]] = [
        {
            "release": release.version,
            "good": release.is_good,
            "help": release.help,
            "services": list(release.services),
            "hurts": {service: dict(journeys) for service, journeys in release.hurts.items()},
            "only_beside_another": release.only_beside_another,
            "runs_on": running.get(release.version, []),
        }
        for release in all_releases().values()
    ]
    if json:
        print_json(rows)
        return
    print_table(
        ("release", "runs on", "what differs, where, and whom it hurts"),
        [(row["release"], _few(row["runs_on"]) or "-", _spell_difference(row)) for row in rows],
    )


def _spell_difference(row: Mapping[str, Any]) -> str:
    where = f" (in {_few(row['services'])})" if row["services"] else ""
    hurt = ", ".join(dict.fromkeys(name for hurt in row["hurts"].values() for name in hurt))
    return f"{row['help']}{where}{f'; hurts {hurt}' if hurt else ''}"


def _few(names: Sequence[str]) -> str:
    return (
        ", ".join(names) if len(names) <= 3 else f"{len(names)} parts" if "@" in names[0] else "every service"
    )


def _running(state: State) -> dict[str, list[str]]:
    """By release, the parts that are told to run it; empty where there is no site."""
    from testbed.inventory import Inventory
    from testbed.releases import Releases

    if not state.is_made:
        return {}
    found: dict[str, list[str]] = {}
    for part in Inventory.of(state).parts:
        if part.kind == "service":
            found.setdefault(Releases(state).told_last(part.name), []).append(part.name)
    return found


@app.command("roll-out")
def roll_out(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="One of: failwhale release list.")],
    target: Target = "",
    share: Share = 1.0,
    pause_on_errors: Annotated[
        bool,
        typer.Option(
            "--pause-on-errors",
            help="Watch users for 3 s after each replica; go no further if it hurts them.",
        ),
    ] = False,
    at_once: AtOnce = False,
    dry_run: DryRun = False,
    state: StateOption = DEFAULT_STATE,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Let parts run a release: each replica is restarted with it, and is ready before the next one is
    touched. It stays, whoever is restarted, until another one is rolled out or it is rolled back.

    Exit code 1: paused, or a replica did not come up; what was done until then stays.

    Examples:
      failwhale release roll-out 1.1
      failwhale release roll-out 1.2-slow timeline:all --share 50%
      failwhale release roll-out 1.2-posts-fail --pause-on-errors
    """
    from testbed.roll_out import forward, release_named, share_of
    from testbed.site import Site

    release = release_named(version)
    site = Site(State(state))
    moves = forward(site, version, share_of(_parts(site, target), share))
    if release.services and not {move.part.service for move in moves} & set(release.services) and not quiet:
        stderr().print(
            f"{version} differs in {_few(release.services)}: these parts run the same code with it"
        )
    _carry_out(site, State(state), "roll-out", moves, at_once, pause_on_errors, dry_run, json, quiet)


@app.command("roll-back")
def roll_back(
    target: Target = "",
    at_once: AtOnce = False,
    dry_run: DryRun = False,
    state: StateOption = DEFAULT_STATE,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Let parts run what they ran before, by the road of a roll-out.

    Example: failwhale release roll-back post:all
    """
    from testbed.roll_out import backward
    from testbed.site import Site

    site = Site(State(state))
    moves = backward(site, _parts(site, target))
    _carry_out(site, State(state), "roll-back", moves, at_once, False, dry_run, json, quiet)


@app.command()
def unlock(state: StateOption = DEFAULT_STATE) -> None:
    """Clear the road of a roll-out that will never end: one from another machine, say, that died there.

    Example: failwhale release unlock
    """
    from testbed.site import Site

    releases = Site(State(state)).releases
    obstacle = releases.obstacle()
    releases.clear()
    stdout().print(f"cleared: {obstacle}" if obstacle else "nobody was in the way")


def _parts(site: Site, target: str) -> Sequence[Part]:
    from testbed.selector import select_services

    return select_services(target, site.inventory.parts, site.store_roles)


def _carry_out(
    site: Site,
    state: State,
    what: Literal["roll-out", "roll-back"],
    moves: Sequence[Move],
    at_once: bool,
    pause_on_errors: bool,
    dry_run: bool,
    json: bool,
    quiet: bool,
) -> None:
    from testbed.roll_out import carry_out, hurts

    if dry_run:
        _show_plan(moves, {move.part.name: hurts(move) for move in moves}, json)
        return
    with Progress(quiet) as progress:
        rolled = carry_out(
            site, state, what, moves, at_once=at_once, pause_on_errors=pause_on_errors, say=progress.say
        )
    if json:
        print_json({key: value for key, value in asdict(rolled).items() if key != "moves"})
    elif not quiet:
        stdout().print(_summary(rolled))
    if rolled.outcome != "done":
        raise Failure(
            f"the {what} {'has ' if rolled.outcome == 'failed' else 'is '}{rolled.outcome}: {rolled.why}",
            f"back to what ran before: failwhale release roll-back {_target(moves)};"
            " what users feel: failwhale outages",
            FAILED,
        )


def _target(moves: Sequence[Move]) -> str:
    """The parts that were meant, as a command takes them."""
    return ",".join(move.part.name for move in moves)


def _summary(rolled: RollOut) -> str:
    left = sum(move.is_needed for move in rolled.moves) - len(rolled.done)
    as_before = len(rolled.moves) - len(rolled.done) - left
    parts = f"{len(rolled.done)} {'part' if len(rolled.done) == 1 else 'parts'}"
    said = [f"{rolled.what}: {parts} in {rolled.seconds:.1f} s"]
    if as_before:
        said.append(f"{as_before} ran it already")
    if left:
        said.append(f"{left} not touched")
    return ", ".join(said)


def _show_plan(moves: Sequence[Move], hurt: dict[str, list[str]], as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {
            "part": move.part.name,
            "former": move.former[-1],
            "release": move.then[-1],
            "restart": move.is_needed,
            "hurts": hurt[move.part.name],
        }
        for move in moves
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("part", "runs", "shall run", "may hurt"),
        [
            (
                row["part"],
                row["former"],
                row["release"] if row["restart"] else "the same",
                ", ".join(row["hurts"]) or "-",
            )
            for row in rows
        ],
    )
