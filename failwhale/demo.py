"""`failwhale demo`: the whole loop on this machine: start, use, break, heal, report, leave nothing behind.

Every step is what a command does, and the command that a person would type for it is shown before.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live as Screen

from chaos.fault_rows import FaultRow
from chaos.injector import Request, new_id
from chaos.progress import FaultProgress, spell_healing
from driver.acts import Act, PlannedInjection, PlannedRelease, read
from driver.driver import Driver
from failwhale.answer import felt_of, recovery_of
from failwhale.down import take_down
from failwhale.up import Told
from foundation.console import (
    DEFAULT_STATE,
    INTERRUPTED,
    NOT_RESTORED,
    Failure,
    duration,
    spell_duration,
    stdout,
)
from foundation.interruption import interruptible, uninterruptible
from foundation.options import whole_number
from foundation.progress import Progress
from foundation.state import State
from loadtests.cli import spell_loaded, telling_people
from loadtests.generator import LoadPlan, Shape
from loadtests.load import Load
from outages.tables import show
from outages.watch import Live
from outages.wording import headline
from testbed.error_words import names_in
from testbed.runtimes.lifecycle import Wishes

TOUR = read(Path(__file__).with_name("tour.yaml"))
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
    acts: Annotated[
        int,
        typer.Option(
            parser=whole_number(1, len(TOUR)),
            metavar="NUMBER",
            help=f"How much of the tour to play (1 to {len(TOUR)}).",
        ),
    ] = len(TOUR),
) -> None:
    """Start a site, load it, break it, heal it, and report what its users felt.

    Takes about a minute and a half and leaves nothing but the report. Ctrl-C at any moment cleans up.
    An act that does not end as it should is told, and the next one is played; the exit code says so.

    Example: failwhale demo --output report.html
    """
    site = State(state)
    site.refuse_foreign()  # after this, all that is there may be removed
    with interruptible():
        show = Show(site)
        try:
            show.play(TOUR[:acts], people, output.absolute())
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
        self.ports = _free_edge_ports()
        self.beside = ExitStack()
        """The load."""
        self.not_as_asked: list[Failure] = []
        """How acts went wrong: they were not done as asked, or somebody is hurt still."""
        self.is_reported = False
        self.begun = time.monotonic()

    def play(self, acts: Sequence[Act], people: int, output: Path) -> None:
        self.say("A site comes up, is used, is broken, heals, and says what its users felt.\n")
        self.clean_up()
        self.start()
        self.populate(people)
        load = self.load()
        for number, act in enumerate(acts, start=1):
            self.perform(number, len(acts), act)
        self.heal()
        self.end_load(load)
        self.report(output)
        self.step("down", "--purge")
        take_down(self.driver, purge=True, quiet=False)
        self.say(f"\nThe report is {output}")
        self.say(
            f"All of it took {spell_duration(time.monotonic() - self.begun)}, and nothing is left running."
        )
        if self.not_as_asked:
            first, number = self.not_as_asked[0], len(self.not_as_asked)
            often = "once" if number == 1 else f"{number} times"
            raise Failure(f"not as it should be {often}, first: {first.message}", code=first.code)

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
        self.step("load", plan.shape, f"--people={plan.people}", f"--for={plan.seconds}s", "&")
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

    def perform(self, number: int, total: int, act: Act) -> None:
        """One act: its faults, their end, the time until everybody is well again, and what was felt."""
        self.say(f"\n[bold]{number}/{total}  {act.title}[/bold]")
        self.say(f"     [dim]Look for: {act.look_for}.[/dim]")
        if act.release is not None:
            self.perform_release(act.release)
            return
        *before, last = act.injections
        request = replace(last.request(), id=new_id(last.fault))
        begun, clock = time.time(), time.monotonic()
        with self.watching():
            try:
                for injection in before:
                    self.inject(injection, injection.request(), clock, detach=True)
                fault = self.inject(last, request, clock)
                self.driver.wait_green(GREEN_AGAIN_SECONDS)
                ending = [recovery_of(fault, time.time())]
            except Failure as failure:
                ending = self.make_well_after(failure)
        for line in (*felt_of(self.driver, request.id, begun), *ending):
            self.say(f"     {line}")

    def perform_release(self, release: PlannedRelease) -> None:
        """It is rolled out, users feel it, it is rolled back."""
        there, back = release.commands
        begun = time.time()
        cause = ""
        with self.watching():
            try:
                self.say(f"     [dim]$ {there}[/dim]")
                cause = self.driver.roll_out(release.version, release.target).id
                time.sleep(duration(release.lasts))
                self.say(f"     [dim]$ {back}[/dim]")
                undoing = time.time()
                self.driver.roll_back(release.target)
                self.driver.wait_green(GREEN_AGAIN_SECONDS)
                after = spell_duration(time.time() - undoing)
                ending = [f"All well again {after} after the roll-back began."]
            except Failure as failure:
                with suppress(Failure):  # of a roll-out that was refused there is nothing to go back from
                    self.driver.roll_back(release.target)
                ending = self.make_well_after(failure)
        for line in (*felt_of(self.driver, cause, begun), *ending):
            self.say(f"     {line}")

    def inject(
        self, injection: PlannedInjection, request: Request, begun: float, *, detach: bool = False
    ) -> FaultRow:
        """One fault of an act that has begun then, by the monotonic clock."""
        time.sleep(max(0.0, begun + injection.begins - time.monotonic()))
        self.say(f"     [dim]$ {injection.command(detach=detach)}[/dim]")
        return self.driver.inject(request, detach=detach)

    def make_well_after(self, failure: Failure) -> list[str]:
        """Undo all, so that the next act begins on a site that is whole; returns what is to be told. That
        journeys have no data for long is told, too, but then nobody is known to be hurt."""
        told = [f"[yellow]Not as it should be: {failure.message}.[/yellow]"]
        running, cores = os.getloadavg()[0], os.cpu_count() or 1
        if running > BUSY * cores:
            told.append(
                f"[yellow]This machine is too busy (a load of {running:.0f} on {cores} cores): the prober"
                " comes late, and that a journey has no data is no damage.[/yellow]"
            )
        try:
            self.driver.heal()
            self.driver.wait_green(GREEN_AGAIN_SECONDS)
        except Failure as later:
            told.append(f"[yellow]Nor after everything was undone: {later.message}.[/yellow]")
        hurt = [row for row in self.driver.journeys().values() if row["state"] in ("down", "slow")]
        if hurt or failure.code != NOT_RESTORED:
            self.not_as_asked.append(failure)
        return told

    def heal(self) -> None:
        self.say("\n[bold]The way out: a fault of five minutes is ended at once[/bold]")
        self.say(f"[dim]$ {WAY_OUT.command(detach=True)}[/dim]")
        try:
            self.driver.inject(WAY_OUT.request(), detach=True)
            self.step("chaos", "heal")
            with FaultProgress(quiet=False) as progress:
                healing = self.driver.heal(progress)
            self.say(spell_healing(healing))
            self.driver.wait_green(GREEN_AGAIN_SECONDS)
        except Failure as failure:
            for line in self.make_well_after(failure):
                self.say(line)

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

    @contextmanager
    def watching(self) -> Iterator[None]:
        """On a terminal, the live view of all journeys while the block runs."""
        if not self.console.is_terminal:
            yield
            return
        view = Live(self.state)
        with (
            closing(view),
            Screen(
                get_renderable=view.renderable,
                console=self.console,
                refresh_per_second=5,
                transient=True,
            ),
        ):
            yield

    def clean_up(self) -> None:
        """End what runs of this demo, or of one before it that was killed."""
        self.beside.close()
        take_down(self.driver, purge=True, quiet=True)


def _spell(latency: float | None) -> str:
    return "nothing" if latency is None else spell_duration(latency)


def _free_edge_ports() -> dict[str, int]:
    """The usual ports where they are free, others where not: a demo must not fail because a site is up."""
    return {place: _free_port(usual) for place, usual in (("east", 8443), ("west", 9443))}


def _free_port(usual: int) -> int:
    for port in (usual, 0):
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(listener.getsockname()[1])
    raise Failure("no free port on 127.0.0.1", "end what holds them")
