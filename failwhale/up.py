"""`failwhale up`: start the site, and tell how it goes."""

from __future__ import annotations

import signal
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from chaos.fault_rows import FaultRow
from chaos.following import clock_of
from driver.driver import START_WITHIN, Driver
from failwhale.outlook import show
from foundation.console import (
    DEFAULT_STATE,
    INTERRUPTED,
    USAGE,
    Failure,
    JsonOption,
    QuietOption,
    StateOption,
    duration_option,
    print_json,
    report,
    spell_duration,
    stdout,
)
from foundation.interruption import interruptible
from foundation.progress import Progress
from foundation.state import State
from testbed.runtimes.lifecycle import COMPOSE_FILE, Moved, StartListener, Wishes
from testbed.runtimes.ports import Taken
from testbed.sitefile import LeftOut


def up(
    state: StateOption = DEFAULT_STATE,
    on: Annotated[
        str | None,
        typer.Option("--on", metavar="RUNTIME", help="processes, or docker.", show_default="as configured"),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option("--without", metavar="PART", help="Leave a part out; may be repeated.")
    ] = None,
    port: Annotated[
        list[str] | None,
        typer.Option("--port", metavar="NAME=PORT", help="Another public port: east=18443; may be repeated."),
    ] = None,
    within: Annotated[
        float,
        typer.Option(
            "--within", parser=duration_option, metavar="DURATION", show_default="60s", help="How long."
        ),
    ] = START_WITHIN,
    file: Annotated[
        Path,
        typer.Option("--file", metavar="FILE", show_default="ours", help="Another description of the site."),
    ] = COMPOSE_FILE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be started.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Start the site and wait until every journey of its users is green.

    Ctrl-C while it waits takes everything down again. On a running site it starts what is missing. On Docker
    the image is built first if the sources changed; --within begins when all containers are started.

    Examples:
      failwhale up
      failwhale up --on docker
      failwhale up --state /tmp/second --port east=18443 --port west=19443
      failwhale up --without prometheus
    """
    began = time.monotonic()
    driver = Driver(State(state))
    ahead = driver.look_ahead(Wishes(file.absolute(), _ports(port or []), frozenset(without or [])), on)
    if dry_run:
        show(ahead.outlook, as_json)
        return
    try:
        with (
            Progress(quiet) as progress,
            interruptible(),
            _taken_down_when_interrupted(driver, ahead.was_up, progress),
        ):
            if ahead.was_up:
                _tell_of_faults(driver, progress)
            site = driver.start(ahead, within, Told(progress))
    except Taken as taken:
        taken.advise(*_typed(state, on, without or [], port or [], taken.others, within, file))
        raise
    if as_json:
        row = {"runtime": site.runtime, "state": str(driver.state.path), "edges": site.edges}
        print_json({**row, "seconds": time.monotonic() - began})
    elif not quiet:
        for place, address in site.edges.items():
            stdout().print(f"{place}  {address}")


def _tell_of_faults(driver: Driver, progress: Progress) -> None:
    """What is in force may keep journeys from being green for as long as it lasts."""
    active: list[FaultRow] = []
    with suppress(Failure):  # on Docker they are known in the controller's container only
        active = driver.active()
    for fault in active:
        progress.say(
            f"{fault['id']} is in force on {fault['target']} until {clock_of(fault['until'])} UTC,"
            " and may keep journeys from being green (failwhale chaos heal ends it now)"
        )


def _ports(wishes: list[str]) -> dict[str, int]:
    ports = {}
    for wish in wishes:
        name, equals, number = wish.partition("=")
        example = "like this: --port east=18443"
        if not equals or not name:
            raise Failure(f"--port {wish}: not of the form NAME=PORT", example, USAGE)
        if not number.isdecimal() or not 0 < int(number) < 65536:
            raise Failure(f"{number or 'nothing'} is no port: choose 1 to 65535", example, USAGE)
        ports[name] = int(number)
    return ports


def _typed(
    state: Path,
    on: str | None,
    without: Sequence[str],
    ports: Sequence[str],
    others: Collection[str],
    within: float,
    file: Path,
) -> Iterator[str]:
    """The options of this command once more, but for the ports that become others."""
    for wish in ports:
        if wish.partition("=")[0] not in others:
            yield from ("--port", wish)
    if state != DEFAULT_STATE:
        yield from ("--state", str(state))
    if on is not None:
        yield from ("--on", on)
    for part in without:
        yield from ("--without", part)
    if within != START_WITHIN:
        yield from ("--within", spell_duration(within))
    if file != COMPOSE_FILE:
        yield from ("--file", str(file))


@contextmanager
def _taken_down_when_interrupted(driver: Driver, was_up: bool, progress: Progress) -> Iterator[None]:
    """Who interrupts the start of a site wants none; one that was up before stays."""
    try:
        yield
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        outcome = "interrupted; the site was up before and stays up"
        if not was_up:
            progress.note("taking everything down")
            driver.stop()
            outcome = "interrupted, and everything is down again"
        progress.clear()
        report(outcome)
        raise typer.Exit(INTERRUPTED) from None


class Told(StartListener):
    """What a person is told of a start."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._began = time.monotonic()

    @property
    def is_quiet(self) -> bool:
        return self._progress.is_quiet

    def say(self, line: str) -> None:
        self._progress.say(line)

    def note(self, line: str) -> None:
        self._progress.note(line)

    def already_up(self, missing: Sequence[str]) -> None:
        starting = f"; starting {', '.join(missing)}" if missing else ""
        self.say(f"the site is up already{starting}")

    def left_out(self, row: LeftOut) -> None:
        """What was left out as asked, or never runs here, has no advice, and is no news."""
        if row.advice:
            self.say(f"without {row.part}: {row.reason}; {row.advice}")

    def moved(self, row: Moved) -> None:
        self.say(f"{row.part} is at {row.address}: port {row.wanted} is taken")

    def ready(self) -> None:
        self.say(f"all parts ready after {self._so_far()}")

    def green(self) -> None:
        self.say(f"all journeys green after {self._so_far()}")

    def _so_far(self) -> str:
        return spell_duration(time.monotonic() - self._began)
