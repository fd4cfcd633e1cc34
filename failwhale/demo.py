"""`failwhale demo`: the whole loop on this machine: start, use, break, heal, report, leave nothing behind.

Every step is the command that a person would type, run as a process of its own and shown before it runs.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from failwhale.tour import TOUR, Act
from foundation.clock import parse
from foundation.console import DEFAULT_STATE, INTERRUPTED, Failure, spell_duration, stdout
from foundation.interruption import interruptible, uninterruptible
from foundation.state import State

GREEN_AGAIN_SECONDS = 30.0
LOAD_SECONDS = 240
"""Longer than the tour takes; the load is ended when the tour is over."""


def demo(
    state: Annotated[
        Path, typer.Option("--state", metavar="DIR", help="Folder of the demo's own site.")
    ] = DEFAULT_STATE / "demo",
    output: Annotated[
        Path, typer.Option("--output", metavar="FILE", help="Where the report is saved.")
    ] = DEFAULT_STATE / "reports" / "demo.html",
    people: Annotated[int, typer.Option(min=10, max=100_000, help="Size of the population.")] = 500,
    acts: Annotated[int, typer.Option(min=1, max=len(TOUR), help="How much of the tour to play.")] = len(
        TOUR
    ),
) -> None:
    """Start a site, load it, break it, heal it, and report what its users felt.

    Takes about a minute and a half and leaves nothing but the report. Ctrl-C at any moment cleans up.

    Example: failwhale demo --output report.html
    """
    with interruptible():
        show = Show(State(state))
        try:
            show.play(TOUR[:acts], people, output.absolute())
        except KeyboardInterrupt:
            show.say("\nInterrupted: taking everything down. No report was written.")
            raise typer.Exit(INTERRUPTED) from None
        finally:
            with uninterruptible():
                show.clean_up()


class Show:
    """One run of the demo: its site, the load beside it, and what it tells."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.console = stdout()
        self.ports = _free_edge_ports()
        self.load: subprocess.Popen[str] | None = None
        self.load_output: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the load
        self.begun = time.monotonic()

    def play(self, acts: Sequence[Act], people: int, output: Path) -> None:
        self.say("A site comes up, is used, is broken, heals, and says what its users felt.\n")
        self.state.refuse_foreign()
        self.clean_up()
        ports = [f"--port={place}={port}" for place, port in self.ports.items()]
        self.command("up", "--on=processes", *ports)  # its live view reads the site's own files
        self.command("populate", "--people", str(people), "--seed", "7")
        self.start_load("steady", "--people", "20", "--for", f"{LOAD_SECONDS}s")
        for number, act in enumerate(acts, start=1):
            self.perform(number, len(acts), act)
        self.say("\n[bold]The way out: a fault of five minutes is ended at once[/bold]")
        self.command("chaos", "kill", "retweet:all", "--for", "5m", "--detach", "--quiet")
        self.command("chaos", "heal")
        self.wait_green()
        self.say("")
        self.stop_load()
        output.parent.mkdir(parents=True, exist_ok=True)
        self.command("report", "--output", str(output))
        self.command("down", "--purge")
        self.say(f"\nThe report is {output}")
        self.say(
            f"All of it took {spell_duration(time.monotonic() - self.begun)}, and nothing is left running."
        )

    def perform(self, number: int, total: int, act: Act) -> None:
        """One act: the fault, its end, the time until everybody is well again, and what was felt."""
        self.say(f"\n[bold]{number}/{total}  {act.title}[/bold]")
        self.say(f"     [dim]Look for: {act.look_for}.[/dim]")
        with self.watching():
            if act.before:
                self.asked("chaos", *act.before)
            fault = self.asked("chaos", *act.command)
            self.wait_green()
            recovered = time.time() - max(parse(one["reverted"]) for one in fault["targets"])
        for line in felt(self.asked("outages"), fault["id"]):
            self.say(f"     {line}")
        self.say(f"     All journeys green {spell_duration(recovered)} after the fault was undone.")

    # --- what goes on beside the acts ---

    def start_load(self, *words: str) -> None:
        self.say(f"[dim]$ failwhale load {' '.join(words)} &[/dim]")
        self.load = self.start("load", *words, "--quiet", "--json", stdout=self.load_output)

    def stop_load(self) -> None:
        if self.load is None:
            return
        self.load.send_signal(signal.SIGINT)
        self.load.wait(timeout=30)
        self.load = None
        self.load_output.seek(0)
        try:
            load = json.load(self.load_output)
        except ValueError:
            return
        self.say(
            f"Load: {load['sent']} requests sent, {load['good']} good, "
            f"p50 {spell_duration(load['latency']['p50'])}, p99 {spell_duration(load['latency']['p99'])}."
        )

    @contextmanager
    def watching(self) -> Iterator[None]:
        """On a terminal, the live view of all journeys while the block runs."""
        if not self.console.is_terminal:
            yield
            return
        from rich.live import Live as Screen

        from outages.watch import Live

        with Screen(
            get_renderable=Live(self.state).renderable,
            console=self.console,
            refresh_per_second=5,
            transient=True,
        ):
            yield

    def wait_green(self) -> None:
        """Until every journey is green. Raises Failure when that does not come."""
        from outages.watch import journeys_now

        end = time.monotonic() + GREEN_AGAIN_SECONDS
        while True:
            journeys = journeys_now(self.state)
            red = sorted(name for name, row in journeys.items() if row["state"] != "green")
            if journeys and not red:
                return
            if time.monotonic() > end:
                still = ", ".join(red) or "the prober is silent"
                raise Failure(
                    f"not green {GREEN_AGAIN_SECONDS:g} s after the fault: {still}",
                    f"look at {self.state.logs}",
                )
            time.sleep(0.1)

    # --- commands ---

    def say(self, line: str) -> None:
        self.console.print(line)

    def command(self, *words: str) -> None:
        """A command whose output a person reads. Raises Failure when it fails."""
        self.say(f"[dim]$ failwhale {' '.join(words)}[/dim]")
        self.finish(self.start(*words), words)

    def asked(self, *words: str) -> Any:
        """A command whose JSON is needed here. Raises Failure when it fails."""
        if words[0] == "chaos":
            self.say(f"     [dim]$ failwhale {' '.join(words)}[/dim]")
        with tempfile.TemporaryFile("w+") as answer:
            self.finish(self.start(*words, "--json", "--quiet", stdout=answer), words)
            answer.seek(0)
            return json.load(answer)

    def start(self, *words: str, stdout: IO[str] | None = None) -> subprocess.Popen[str]:
        """A command in a session of its own: Ctrl-C reaches the demo alone, which ends what it started."""
        return subprocess.Popen(
            [sys.executable, "-m", "failwhale", *words, "--state", str(self.state.path)],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            text=True,
            start_new_session=True,
        )

    def finish(self, process: subprocess.Popen[str], words: Sequence[str]) -> None:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
            raise
        if code != 0:
            raise Failure(
                f"failwhale {' '.join(words)} ended with {code}", f"look at {self.state.logs}", code
            )

    def clean_up(self) -> None:
        """End what runs of this demo, or of one before it that was killed."""
        if self.load is not None:
            self.load.send_signal(signal.SIGINT)
            self.load.wait(timeout=30)
            self.load = None
        if self.state.is_made:
            self.start("down", "--purge", "--quiet").wait()


def felt(outages: Sequence[dict[str, Any]], fault: str) -> list[str]:
    """What users felt of one fault, a line each journey, worst first."""
    seconds: dict[tuple[str, str], float] = {}
    for row in outages:
        if fault in row["causes"]:
            key = (row["journey"], row["kind"])
            seconds[key] = seconds.get(key, 0.0) + (row["duration"] or 0.0)
    if not seconds:
        return ["[green]Nobody noticed.[/green]"]
    worst_first = sorted(seconds.items(), key=lambda item: -item[1])
    return [
        f"[{'red' if kind == 'down' else 'yellow'}]{journey} {kind} for {spell_duration(lasted)}[/]"
        for (journey, kind), lasted in worst_first
    ]


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
