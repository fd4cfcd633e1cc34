"""`failwhale demo`: the whole loop on this machine: start, use, break, heal, report, leave nothing behind.

Every step is what a command does, and the command that a person would type for it is shown before.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from chaos.progress import FaultProgress, spell_healing
from driver.driver import Driver
from driver.ports import free_edge_ports
from failwhale.down import take_down
from failwhale.run_view import RunView
from failwhale.up import Told
from foundation.console import (
    DEFAULT_STATE,
    FAILED,
    INTERRUPTED,
    NOT_RESTORED,
    Failure,
    spell_duration,
    stdout,
)
from foundation.interruption import interruptible, uninterruptible
from foundation.options import whole_number
from foundation.progress import Progress
from foundation.state import State
from incidents.judge import EXIT_CODES
from incidents.planned import PlannedInjection
from incidents.reading import file_of, read
from incidents.result import Control, Manner
from incidents.runner import play
from loadtests.cli import spell_loaded, telling_people
from loadtests.generator import LoadPlan, Shape
from loadtests.load import Load
from outages.tables import show
from outages.wording import headline
from testbed.error_words import names_in
from testbed.runtimes.lifecycle import Wishes


@dataclass(frozen=True)
class Scene:
    """One incident of the tour, and how it is played."""

    incident: str
    manner: Manner = field(default_factory=Manner)

    @property
    def words(self) -> str:
        """As the command has it."""
        if self.manner.control is not None:
            return f"{self.incident} --control {self.manner.control}"
        return f"{self.incident} --mitigate" if self.manner.mitigate else self.incident


TOUR = (
    Scene("replica-lost"),
    Scene("retweets-fail"),
    Scene("retweets-fail", Manner(control=Control.WRONG_FIX)),
    Scene("bad-release", Manner(mitigate=True)),
    Scene("privacy-gate-leaks"),
    Scene("notifications-stop", Manner(mitigate=True)),
    Scene("certificate-expires-edge", Manner(mitigate=True)),
    Scene("store-primary-lost"),
    Scene("failover-standby-barred", Manner(mitigate=True)),
)
WAY_OUT = PlannedInjection("kill", "retweet:all", "5m")
SEED = 7
CROWD = 20
GREEN_AGAIN_SECONDS = 30.0
LOAD_SECONDS = 240
"""Longer than the tour takes; the load is ended when the tour is over."""
BUSY = 2.0
"""Processes that wait for each core, above which a prober that comes late is no wonder."""


def demo(
    state: Annotated[
        Path, typer.Option("--state", metavar="DIR", help="Folder of the demo's own site.")
    ] = DEFAULT_STATE / "demo",
    output: Annotated[
        Path, typer.Option("--output", metavar="FILE", help="Where the report is saved.")
    ] = DEFAULT_STATE / "reports" / "demo.html",
    people: Annotated[
        int,
        typer.Option(
            parser=whole_number(10, 100_000), metavar="NUMBER", help="Size of the population (10 to 100,000)."
        ),
    ] = 500,
    incidents: Annotated[
        int,
        typer.Option(
            parser=whole_number(1, len(TOUR)),
            metavar="NUMBER",
            help=f"How many of its incidents to play (1 to {len(TOUR)}).",
        ),
    ] = len(TOUR),
) -> None:
    """Start a site, load it, break it, heal it, and report what its users felt.

    Takes about a minute and a half and leaves nothing but the report. Ctrl-C at any moment cleans up.
    An incident that does not come out as expected is told, and the next one is played; the exit code says
    so, unless the machine is too busy to say.

    Example: failwhale demo --output report.html
    """
    site = State(state)
    site.refuse_foreign()  # after this, all that is there may be removed
    with interruptible():
        show = Show(site)
        try:
            show.play(TOUR[:incidents], people, output.absolute())
        except KeyboardInterrupt:
            show.say("\nInterrupted: taking everything down. No report was written.")
            raise typer.Exit(INTERRUPTED) from None
        except Failure:
            if not show.is_reported:
                show.say("\nIt cannot go on: taking everything down. No report was written.")
            raise
        finally:
            with uninterruptible():
                show.clean_up()


class Show:
    """One run of the demo: its site, the load beside it, and what it tells."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.driver = Driver(state)
        self.console = stdout()
        self.ports = free_edge_ports()
        self.beside = ExitStack()
        """The load."""
        self.view = RunView(state, ndjson=False, quiet=False)
        self.not_as_expected: list[Failure] = []
        self.good = 0
        """Incidents that came out as they have to."""
        self.is_reported = False
        self.begun = time.monotonic()

    def play(self, scenes: Sequence[Scene], people: int, output: Path) -> None:
        self.say("A site comes up, is used, is broken, heals, and says what its users felt.\n")
        self.clean_up()
        self.start()
        self.populate(people)
        load = self.load()
        for number, scene in enumerate(scenes, start=1):
            self.perform(number, len(scenes), scene)
        self.heal()
        self.end_load(load)
        self.report(output)
        self.step("down", "--purge")
        take_down(self.driver, purge=True, quiet=False)
        self.say(f"\n{self.good} of {len(scenes)} incidents came out as they have to.")
        if self.good < len(scenes) and not self.not_as_expected:
            self.say("The machine was too busy for the others: that says nothing about the site.")
        self.say(f"The report is {output}")
        self.say(
            f"All of it took {spell_duration(time.monotonic() - self.begun)}, and nothing is left running."
            " To break a site yourself: failwhale up; failwhale chaos list"
        )
        if self.not_as_expected:
            first, number = self.not_as_expected[0], len(self.not_as_expected)
            often = "once" if number == 1 else f"{number} times"
            raise Failure(f"not as expected {often}, first: {first.message}", code=first.code)

    def start(self) -> None:
        """On plain processes, whatever is set: they need nothing installed."""
        self.step("up", "--on=processes", *(f"--port={place}={port}" for place, port in self.ports.items()))
        with Progress(quiet=False) as progress:
            ahead = self.driver.look_ahead(Wishes(ports=self.ports), on="processes")
            site = self.driver.start(ahead, listener=Told(progress))
        for place, address in site.edges.items():
            self.say(f"{place}  {address}")

    def populate(self, people: int) -> None:
        self.step("populate", f"--people={people}", f"--seed={SEED}")
        with Progress(quiet=False) as progress:
            loaded = self.driver.populate(people, SEED, telling_people(progress, people))
        self.say(spell_loaded(loaded))

    def load(self) -> Load:
        plan = LoadPlan(Shape.STEADY, CROWD, 0.0, LOAD_SECONDS)
        self.step("load", plan.shape, f"--people={plan.people}", f"--for={plan.seconds}s", "&\n")
        return self.beside.enter_context(self.driver.load(plan))

    def end_load(self, load: Load) -> None:
        self.beside.close()
        try:
            result = load.result
        except Failure as failure:  # the tour is worth its report all the same
            self.say(f"\nLoad: {failure}.")
            return
        self.say(
            f"\nLoad: {result.sent} requests sent, {result.good} good, "
            f"p50 {_spell(result.latency['p50'])}, p99 {_spell(result.latency['p99'])}."
        )

    def perform(self, number: int, total: int, scene: Scene) -> None:
        """One incident: played as its command plays it, with the same words."""
        incident = read(file_of(scene.incident))
        self.say(f"[bold]{number}/{total}[/bold]  [dim]$ failwhale incident run {scene.words}[/dim]")
        try:
            with self.view.of(incident) as tell:
                result = play(self.driver, incident, scene.manner, tell)
        except Failure as failure:
            self.make_well_after(failure)
            return
        self.view.told(result)
        self.good += result.is_good
        if not result.is_good and not self.is_too_busy():
            code = EXIT_CODES[result.outcome] or FAILED
            why = f"{incident.id}: {result.outcome}: {result.not_as_expected}"
            self.not_as_expected.append(Failure(why, code=code))

    def is_too_busy(self) -> bool:
        """Whether this machine has no time for what is judged by seconds; then it is told."""
        running, cores = os.getloadavg()[0], os.cpu_count() or 1
        if running <= BUSY * cores:
            return False
        self.say(
            f"[yellow]This machine is too busy (a load of {running:.0f} on {cores} cores): the prober and"
            " alerts come late, so what is not seen in time may be well all the same.[/yellow]"
        )
        return True

    def make_well_after(self, failure: Failure) -> None:
        """Undo all, so that the next incident begins on a site that is whole. That journeys have no data for
        long is told, too, but then nobody is known to be hurt."""
        self.say(f"[yellow]Not as it should be: {failure.message}.[/yellow]")
        self.is_too_busy()
        try:
            self.driver.heal()
            self.driver.wait_green(GREEN_AGAIN_SECONDS)
        except Failure as later:
            self.say(f"[yellow]Nor after everything was undone: {later.message}.[/yellow]")
        hurt = [row for row in self.driver.journeys().values() if row["state"] in ("down", "slow")]
        if hurt or failure.code != NOT_RESTORED:
            self.not_as_expected.append(failure)

    def heal(self) -> None:
        self.say("[bold]The way out: a fault of five minutes is ended at once[/bold]")
        self.say(f"[dim]$ {WAY_OUT.command(detach=True)}[/dim]")
        try:
            self.driver.inject(WAY_OUT.request(), detach=True)
            self.step("chaos", "heal")
            with FaultProgress(quiet=False) as progress:
                healing = self.driver.heal(progress)
            self.say(spell_healing(healing))
            self.driver.wait_green(GREEN_AGAIN_SECONDS)
        except Failure as failure:
            self.make_well_after(failure)

    def report(self, output: Path) -> None:
        output.parent.mkdir(parents=True, exist_ok=True)
        self.step("report", f"--output={output}")
        report = self.driver.report(output)
        self.is_reported = True
        history = report.history
        show(history.outages, history.now(), names_in(self.state), headline(history), each="")

    # --- what it tells ---

    def say(self, line: str) -> None:
        self.console.print(line)

    def step(self, *words: str) -> None:
        """The command that a person would type for what is done now."""
        self.say(f"[dim]$ failwhale {' '.join(words)}[/dim]")

    def clean_up(self) -> None:
        """End what runs of this demo, or of one before it that was killed."""
        self.beside.close()
        take_down(self.driver, purge=True, quiet=True)


def _spell(latency: float | None) -> str:
    return "nothing" if latency is None else spell_duration(latency)
