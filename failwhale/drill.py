"""`failwhale drill`: the ways of escape from a loss."""

from __future__ import annotations

import typer

from foundation.commands import App, Group
from foundation.console import (
    DEFAULT_STATE,
    FAILED,
    OK,
    JsonOption,
    StateOption,
    print_json,
    print_table,
    stdout,
)
from foundation.failure import INCONCLUSIVE
from foundation.state import State
from foundation.verdict import all_of

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
