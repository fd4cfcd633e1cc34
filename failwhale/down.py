"""`failwhale down`: stop everything, and with --purge remove everything."""

from __future__ import annotations

from typing import Annotated

import typer

from driver.driver import Driver
from foundation.console import DEFAULT_STATE, QuietOption, StateOption
from foundation.interruption import uninterruptible
from foundation.progress import Progress
from foundation.state import State


def down(
    state: StateOption = DEFAULT_STATE,
    purge: Annotated[
        bool, typer.Option("--purge", help="Remove every file of the site, too, but for its reports.")
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Stop everything. No process and no socket is left; with --purge no file either, but
    for the reports that were written.

    Examples:
      failwhale down
      failwhale down --purge
    """
    take_down(Driver(State(state)), purge=purge, quiet=quiet)


def take_down(driver: Driver, *, purge: bool, quiet: bool) -> None:
    """Stop a site and say what became of it; nobody interrupts that."""
    with Progress(quiet) as progress, uninterruptible():
        progress.note("stopping")
        stopped = driver.stop(purge=purge)
        where = driver.state.path
        if stopped.ended is None:
            progress.say(f"there is no site in {where}")
        else:
            progress.say("everything is down" if stopped.ended.was_up else "nothing was running")
            for line in stopped.ended.kept:
                progress.say(line)
        if purge and stopped.ended is not None and not stopped.ended.was_up:
            progress.say(f"removed: the data, the record and the logs of the site in {where}")
        if purge and driver.state.has_reports:
            progress.say(f"its reports stay: {driver.state.reports}")
        if stopped.foreign:
            progress.say(f"left in {where}, as it is no part of this site: {', '.join(stopped.foreign)}")
