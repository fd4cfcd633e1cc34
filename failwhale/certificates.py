"""`failwhale certificates`: what every endpoint really presents, how long that is good; renewal, rotation."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from foundation.commands import App, Group
from foundation.console import (
    DEFAULT_STATE,
    JsonOption,
    QuietOption,
    StateOption,
    print_json,
    print_table,
)
from foundation.options import one_of
from foundation.progress import Progress
from foundation.state import State
from testbed import endpoint_certificates
from testbed.endpoint_certificates import EndpointCertificate

app = App(cls=Group, add_completion=False, invoke_without_command=True)


class Half(StrEnum):
    trust = "trust"
    issue = "issue"


@app.callback()
def certificates(ctx: typer.Context, state: StateOption = DEFAULT_STATE, json: JsonOption = False) -> None:
    """What every endpoint presents to a fresh handshake, idle ones too, the first to end first. Days are lab
    days.

    Examples:
      failwhale certificates
      failwhale certificates --json
    """
    if ctx.invoked_subcommand is not None:
        return
    rows = endpoint_certificates.look(State(state))
    if json:
        print_json([asdict(row) for row in rows])
    else:
        columns = ("presented by", "served", "days left", "ends (UTC)", "issuer")
        print_table(columns, [_cells(row) for row in rows], right=("days left",))


@app.command("renew")
def renew(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A part, or who else has a certificate (client), or all.")
    ],
    state: StateOption = DEFAULT_STATE,
    quiet: QuietOption = False,
) -> None:
    """Make a certificate anew, whatever is left of it. The part shows it within a second, without a restart.

    Examples:
      failwhale certificates renew post@east
      failwhale certificates renew all
    """
    names = endpoint_certificates.renew(State(state), name)
    with Progress(quiet) as progress:
        progress.say(f"renewed: {', '.join(names)}")


@app.command("rotate-ca")
def rotate_ca(
    half: Annotated[
        Half | None,
        typer.Option(parser=one_of(Half), metavar="HALF", help="Only one half: trust or issue."),
    ] = None,
    state: StateOption = DEFAULT_STATE,
    quiet: QuietOption = False,
) -> None:
    """Change the site's certificate authority. First every part trusts the next one, too; when all do, it
    issues every certificate anew; when all present theirs, the former one is trusted no more.

    Examples:
      failwhale certificates rotate-ca
      failwhale certificates rotate-ca --half trust
    """
    with Progress(quiet) as progress:
        if half is not Half.issue:
            endpoint_certificates.trust_next(State(state), progress.say)
        if half is not Half.trust:
            endpoint_certificates.issue_by_next(State(state), progress.say)


def _cells(row: EndpointCertificate) -> tuple[str | None, ...]:
    by = row.presented_by if row.endpoint == "internal" else f"{row.presented_by} {row.endpoint}"
    ends = f"{datetime.fromisoformat(row.not_after):%d %b %H:%M:%S}" if row.not_after else None
    left = None if row.days_left is None else f"{row.days_left:.1f}"
    return by, row.served, left, ends, row.issuer
