"""`failwhale drill`: the ways of escape from a loss."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from foundation.commands import App, Group
from foundation.console import (
    DEFAULT_STATE,
    FAILED,
    OK,
    JsonOption,
    QuietOption,
    StateOption,
    print_json,
    print_table,
    stdout,
)
from foundation.failure import INCONCLUSIVE
from foundation.interruption import interruptible
from foundation.options import whole_number
from foundation.progress import Progress
from foundation.state import State
from foundation.verdict import all_of

RepeatOption = Annotated[
    int,
    typer.Option(
        parser=whole_number(1, 100),
        metavar="NUMBER",
        help="How often each loss is caused; from 5 on with intervals.",
    ),
]
PeopleOption = Annotated[
    int,
    typer.Option(parser=whole_number(1, 500), metavar="NUMBER", help="How many use the site meanwhile."),
]

app = App(cls=Group, add_completion=False)


@app.callback()
def drill() -> None:
    """Find out whether the next loss would be survived.

    Example: failwhale drill readiness
    """


@app.command()
def readiness(state: StateOption = DEFAULT_STATE, json: JsonOption = False) -> None:
    """Look for hidden defects that nobody feels before the next loss: votes, replicas, certificates of who
    stands by, dead addresses, health checks that cannot say no, headroom, backups. Breaks nothing.

    Exit code 0: ready; 1: something would keep a loss from being survived; 4: it cannot be said.

    Examples:
      failwhale drill readiness
      failwhale drill readiness --json
    """
    from drills.readiness import readiness as look
    from drills.telling import cells_of_finding, lines_after, row_of_finding
    from testbed.site import Site
    from testbed.sitefile import refuse_down

    refuse_down(State(state))
    findings = look(Site(State(state)))
    if json:
        print_json([row_of_finding(finding) for finding in findings])
    else:
        print_table(("question", "verdict", "because"), map(cells_of_finding, findings))
        stdout().print()
        for line in lines_after(findings):
            stdout().print(line, markup=False)
    verdict = all_of(finding.verdict for finding in findings)
    raise typer.Exit(OK if verdict else INCONCLUSIVE if verdict is None else FAILED)


@app.command()
def failover(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="WAY", help="Which, such as store-primary; without any, all of them."),
    ] = None,
    repeat: RepeatOption = 1,
    people: PeopleOption = 20,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            metavar="FILE",
            show_default="STATE/reports/drill.html",
            help="Where the page is saved.",
        ),
    ] = None,
    state: StateOption = DEFAULT_STATE,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Try every way of escape: an edge, a store, a whole data centre is killed while people use the site, and
    comes back. Says how long users suffered, and what was lost of what was acknowledged. Ctrl-C heals.

    Half a minute for each way. Exit code 0: all work; 1: one is broken; 4: one could not be tried.

    Examples:
      failwhale drill failover
      failwhale drill failover store-primary data-centre-east --repeat 5
    """
    from drills.failover.drill import drill as go_through
    from drills.failover.page import save
    from drills.failover.telling import COLUMNS, cells_of, lines_after, row_of_drill
    from drills.failover.way import ways_named
    from driver.driver import Driver
    from outages.report import copied_out, is_inside_a_container
    from testbed.sitefile import refuse_down

    ways = ways_named(names or ())
    site = State(state)
    refuse_down(site)
    with interruptible(), Progress(quiet or json) as progress:
        found = go_through(Driver(site), ways, repeat, people, progress.say)
    file = output or site.reports / "drill.html"
    save(found, file)
    if json:
        print_json({**row_of_drill(found), "page": str(file)})
    elif not quiet:
        print_table(COLUMNS, map(cells_of, found.results))
        stdout().print()
        for line in lines_after(found):
            stdout().print(line, markup=False)
        stdout().print(f"[dim]page:[/dim] {file}")
        if is_inside_a_container(site) and file.is_relative_to(site.path):
            stdout().print(f"[dim]on the machine:[/dim] {copied_out(file)}")
    raise typer.Exit(found.exit_code)


@app.command()
def durability(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="MODE", help="off, reported, required; without any, all of them."),
    ] = None,
    repeat: RepeatOption = 1,
    people: PeopleOption = 40,
    state: Annotated[
        Path, typer.Option("--state", metavar="DIR", help="Folder of the sites of its own.")
    ] = DEFAULT_STATE / "durability",
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Compare what it costs and what it loses to acknowledge a write with or without a replica: a site of its
    own in each mode, on plain processes, whose primary is killed with its replica in step, and behind.

    A minute and a half for each mode, and twenty seconds for each further loss. Ctrl-C cleans up.
    Exit code 0: nothing is gone that was said to be safe; 1: something is; 4: it is not known.

    Examples:
      failwhale drill durability
      failwhale drill durability reported required --repeat 5
    """
    from drills.durability.comparison import compare, exit_code, modes_named
    from drills.durability.telling import COLUMNS, cells_of, lines_after, row_of

    modes = modes_named(names or ())
    site = State(state)
    site.refuse_foreign()  # after this, all that is there may be removed
    with interruptible(), Progress(quiet or json) as progress:
        results = compare(site, modes, repeat, people, progress.say)
    if json:
        print_json([row_of(result) for result in results])
    elif not quiet:
        print_table(COLUMNS, [row for result in results for row in cells_of(result)])
        stdout().print()
        for line in lines_after(results):
            stdout().print(line, markup=False)
    raise typer.Exit(exit_code(results))
