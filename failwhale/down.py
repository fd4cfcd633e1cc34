"""`failwhale down`: stop everything, and with --purge remove everything."""

from __future__ import annotations

from typing import Annotated

import typer

from foundation.console import DEFAULT_STATE, QuietOption, StateOption
from foundation.interruption import uninterruptible
from foundation.progress import Progress
from foundation.state import State


def down(
    state: StateOption = DEFAULT_STATE,
    purge: Annotated[bool, typer.Option("--purge", help="Remove every file of the site, too.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Stop everything. No process and no socket is left; with --purge no file either.

    Examples:
      failwhale down
      failwhale down --purge
    """
    from testbed.choice import lifecycle_of
    from testbed.purge import purge as purge_folder
    from testbed.sitefile import keep_what_ends_it

    site = State(state)
    with Progress(quiet) as progress, uninterruptible():
        if not site.is_made:
            progress.say(f"there is no site in {site.path}")
        else:
            progress.note("stopping")
            if purge:
                keep_what_ends_it(site)
            ended = lifecycle_of(site).end(purge=purge)
            progress.say("everything is down" if ended.was_up else "nothing was running")
            for line in ended.kept:
                progress.say(line)
        if purge and (left := purge_folder(site)):
            progress.say(f"left in {site.path}, as it is no part of this site: {', '.join(left)}")
