"""`failwhale populate` and `failwhale load`."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from failwhale.console import (
    DEFAULT_STATE,
    FAILED,
    INTERRUPTED,
    OK,
    Duration,
    JsonOption,
    QuietOption,
    StateOption,
    is_terminal,
    print_json,
    print_table,
    spell_duration,
    stderr,
    stdout,
)
from failwhale.state import State
from loadtests.generator import Generator, Plan, Shape, whole_seconds
from loadtests.target import Target, acknowledged_file, census_file, refuse_other_machines

if TYPE_CHECKING:
    from loadtests.checker import Verdict

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

PEOPLE = 1000
SEED = 7
MOST_PEOPLE_AT_ONCE = 1000
HIGHEST_RATE = 5000.0
LONGEST = 3600.0

_LINE_EVERY = 5.0
"""Seconds between progress lines where there is no terminal to draw on."""


@app.command()
def populate(
    people: Annotated[int, typer.Option(min=2, max=1_000_000, help="How many people.")] = PEOPLE,
    seed: Annotated[int, typer.Option(help="The same seed makes the same people.")] = SEED,
    state: StateOption = DEFAULT_STATE,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Load people with a follow graph, celebrities and posts to read.

    Example: failwhale populate --people 1000 --seed 7
    """
    loaded = _populate(State(state), people, seed, quiet=quiet)
    if as_json:
        print_json({"people": people, "seed": seed, **loaded})
    elif not quiet:
        stdout().print(
            f"{loaded['people']:,} people, {loaded['follows']:,} follows and {loaded['posts']:,} posts "
            f"loaded in {loaded['seconds']:.1f} seconds"
        )


@app.command()
def load(
    shape: Annotated[Shape, typer.Argument(help="How much load there is over time.", metavar="SHAPE")],
    people: Annotated[
        int,
        typer.Option(min=1, max=MOST_PEOPLE_AT_ONCE, help="How many people use the site; the usual number."),
    ] = 20,
    rate: Annotated[
        float,
        typer.Option(
            min=0, max=HIGHEST_RATE, help="Requests per second of all of them; 0 is 2 for each person."
        ),
    ] = 0.0,
    seconds: Annotated[Duration, typer.Option("--for", help="How long, in whole seconds.")] = 30.0,
    rude: Annotated[bool, typer.Option("--rude", help="Do not wait when the site says Retry-After.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Afterwards, look for every post that was acknowledged.")
    ] = False,
    state: StateOption = DEFAULT_STATE,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Put people on the site: steady, all-time-high (four times the usual) or open-loop (arrivals by rate).

    Example: failwhale load open-loop --rate 100 --for 30s
    """
    if seconds > LONGEST:
        raise typer.BadParameter("a load takes an hour at most", param_hint="--for")
    site = State(state)
    refuse_other_machines(site.edges)
    if not census_file(site).exists():
        if not quiet:
            stderr().print(f"Nobody lives here yet: loading {PEOPLE:,} people.")
        _populate(site, PEOPLE, SEED, quiet=quiet)
    target = Target.of(site)
    plan = Plan(shape, people, rate, whole_seconds(seconds), rude)
    result, interrupted = _generate(site, plan, quiet=quiet)
    verdict = _check(target, site, plan, quiet=quiet) if check and not interrupted else None
    if verdict is not None:
        result["checker"] = verdict.as_json()
    if as_json:
        print_json(result)
    elif not quiet:
        _print_result(result)
    raise typer.Exit(_exit_code(result, verdict, interrupted))


def _populate(state: State, people: int, seed: int, *, quiet: bool) -> dict[str, Any]:
    from dataclasses import asdict

    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from failwhale.populate import populate as bring_in

    columns = (TextColumn("Loading people"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=stderr(), transient=True, disable=quiet or not is_terminal()) as bar:
        task = bar.add_task("", total=None)
        loaded = bring_in(
            state, people, seed, lambda done, whole: bar.update(task, completed=done, total=whole)
        )
    return asdict(loaded)


def _generate(state: State, plan: Plan, *, quiet: bool) -> tuple[dict[str, Any], bool]:
    """Make the load; returns its result and whether it was interrupted. Raises Failure without a result."""
    from outages.ledger import Ledger

    asked = {
        "shape": plan.shape.value,
        "people": plan.people,
        "rate": plan.rate or 2.0 * plan.people,
        "seconds": plan.seconds,
        "rude": plan.rude,
        "load": plan.name,
    }
    ledger = Ledger(state.ledger)
    ledger.append("load.started", **asked)
    summary: dict[str, Any] | None = None
    interrupted = False
    try:
        with Generator(plan, {"FAILWHALE_STATE": str(state.path)}) as generator:
            live = LiveLine(plan, quiet=quiet)
            try:
                summary = _listen(generator, live)
            except KeyboardInterrupt:
                interrupted = True
                generator.interrupt()
                summary = _listen(generator, live)
            finally:
                live.clear()
            if summary is None:
                if interrupted:
                    raise KeyboardInterrupt
                raise generator.failure()
    finally:
        counts = ("offered", "sent", "completed", "good", "errors")
        ended = {name: summary[name] for name in counts} if summary else {}
        ledger.append("load.finished", load=plan.name, interrupted=interrupted, **ended)
        ledger.close()
    return {**asked, **summary}, interrupted


def _listen(generator: Generator, live: LiveLine) -> dict[str, Any] | None:
    for kind, content in generator.messages():
        if kind == "summary":
            return content
        live.show(content)
    return None


def _check(target: Target, state: State, plan: Plan, *, quiet: bool) -> Verdict:
    from loadtests.checker import check

    if not quiet:
        stderr().print("Looking for every acknowledged post.")
    return check(target, acknowledged_file(state), load=plan.name)


def _exit_code(result: Mapping[str, Any], verdict: Verdict | None, interrupted: bool) -> int:
    if interrupted:
        return INTERRUPTED
    if not result["completed"]:
        return FAILED
    from loadtests.checker import exit_code

    return OK if verdict is None else exit_code(verdict)


# --- what a person sees ---


class LiveLine:
    """Progress: one line that is drawn over on a terminal, a line now and then in a pipe."""

    def __init__(self, plan: Plan, *, quiet: bool) -> None:
        self._plan = plan
        self._quiet = quiet
        self._terminal = is_terminal()
        self._next = 0.0

    def show(self, progress: Mapping[str, Any]) -> None:
        if self._quiet or (not self._terminal and time.monotonic() < self._next):
            return
        self._next = time.monotonic() + _LINE_EVERY
        errors = ", ".join(f"{count} {kind}" for kind, count in progress["errors"].items())
        text = (
            f"{progress['elapsed']:3.0f}/{self._plan.seconds} s  {progress['good_since']:4d} good/s  "
            f"{progress['offered']} offered, {progress['sent']} sent, {progress['completed']} completed"
            + (f"  [{errors}]" if errors else "")
        )
        self._write(f"\r\x1b[2K{text[: _width() - 1]}" if self._terminal else text + "\n")

    def clear(self) -> None:
        if self._terminal and not self._quiet:
            self._write("\r\x1b[2K")

    def _write(self, text: str) -> None:
        stderr().file.write(text)
        stderr().file.flush()


def _width() -> int:
    try:
        return os.get_terminal_size(2).columns
    except OSError:
        return 80


def _print_result(result: Mapping[str, Any]) -> None:
    rows = [*result["operations"], _whole(result)]
    print_table(
        ["operation", "count", "good", "p50", "p90", "p99", "p99.9"],
        [
            (
                row["operation"],
                row["count"],
                row["good"],
                *("" if value is None else spell_duration(value) for value in row["latency"].values()),
            )
            for row in rows
        ],
        right=["count", "good", "p50", "p90", "p99", "p99.9"],
    )
    say = stdout().print
    say(
        f"\n{result['offered']:,} offered, {result['sent']:,} sent, {result['completed']:,} completed, "
        f"{result['good']:,} good"
    )
    if result["not_sent"]:
        say("not sent: " + _counts(result["not_sent"]))
    if result["errors"]:
        say("errors: " + _counts(result["errors"]))
    if not result["generator_kept_up"]:
        late = spell_duration(result["generator_lag"]["p99"] or 0.0)
        say(f"The generator did not keep its own schedule (p99 {late} late): doubt the latencies.")
    if "checker" in result:
        say(_spell_verdict(result["checker"]))


def _whole(result: Mapping[str, Any]) -> dict[str, Any]:
    count = sum(row["count"] for row in result["operations"])
    return {"operation": "all", "count": count, "good": result["good"], "latency": result["latency"]}


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.items())


def _spell_verdict(verdict: Mapping[str, Any]) -> str:
    word = {True: "kept", False: "BROKEN", None: "unknown"}[verdict["holds"]]
    return f"promise to acknowledged posts: {word} ({verdict['because']})"
