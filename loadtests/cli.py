"""`failwhale populate` and `failwhale load`."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foundation.console import (
    DEFAULT_STATE,
    FAILED,
    INTERRUPTED,
    OK,
    JsonOption,
    QuietOption,
    StateOption,
    duration_option,
    is_terminal,
    print_json,
    print_table,
    report,
    spell_duration,
    stderr,
    stdout,
)
from foundation.options import number, one_of, whole_number
from foundation.progress import Progress
from foundation.state import State
from foundation.verdict import spell
from loadtests.generator import LoadPlan, Shape, whole_seconds
from loadtests.load import Operation, Result, running
from loadtests.population import PEOPLE_LIMIT
from loadtests.tally import PERCENTILES
from loadtests.target import Target, acknowledged_file, census_file, refuse_other_machines
from testbed.sitefile import SiteFile, refuse_down

if TYPE_CHECKING:
    from loadtests.findings import Findings
    from loadtests.populate import Loaded

PEOPLE = 1000
SEED = 7
MOST_PEOPLE_AT_ONCE = 1000
HIGHEST_RATE = 5000.0
LONGEST = 3600.0

LINE_EVERY = 5.0
"""Seconds between progress lines where there is no terminal to draw on."""


def populate(
    people: Annotated[
        int,
        typer.Option(
            parser=whole_number(2, PEOPLE_LIMIT),
            metavar="NUMBER",
            help=f"How many people (2 to {PEOPLE_LIMIT:,}).",
        ),
    ] = PEOPLE,
    seed: Annotated[
        int,
        typer.Option(parser=whole_number(), metavar="NUMBER", help="The same seed makes the same people."),
    ] = SEED,
    state: StateOption = DEFAULT_STATE,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Load people with a follow graph, celebrities and posts to read.

    Example: failwhale populate --people 1000 --seed 7
    """
    refuse_down(State(state))
    loaded = _populate(State(state), people, seed, quiet=quiet)
    if as_json:
        print_json({"seed": seed, **asdict(loaded)})
    elif not quiet:
        stdout().print(spell_loaded(loaded))


def load(
    shape: Annotated[
        Shape,
        typer.Argument(parser=one_of(Shape), metavar="SHAPE", help="How much load there is over time."),
    ],
    people: Annotated[
        int,
        typer.Option(
            parser=whole_number(1, MOST_PEOPLE_AT_ONCE),
            metavar="NUMBER",
            help=f"How many people use the site; the usual number (1 to {MOST_PEOPLE_AT_ONCE:,}).",
        ),
    ] = 20,
    rate: Annotated[
        float,
        typer.Option(
            parser=number(0, HIGHEST_RATE),
            metavar="NUMBER",
            help=f"Requests per second of all of them (to {HIGHEST_RATE:,g}); 0 is 2 for each person.",
        ),
    ] = 0.0,
    seconds: Annotated[
        float,
        typer.Option(
            "--for",
            parser=duration_option,
            metavar="DURATION",
            show_default="30s",
            help="How long, in whole seconds.",
        ),
    ] = 30.0,
    ignore_retry_after: Annotated[
        bool, typer.Option("--ignore-retry-after", help="Do not wait when the site says Retry-After.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Afterwards, look for all that was acknowledged.")
    ] = False,
    state: StateOption = DEFAULT_STATE,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Put people on the site: steady, all-time-high (four times the usual) or open-loop (arrivals by rate).

    Where nobody lives yet, 1,000 people are brought in first; for another number: failwhale populate, before.

    offered: what people wanted to send; sent: what could be; completed: what was answered; good: as it
    should be.

    Example: failwhale load open-loop --rate 100 --for 30s
    """
    if seconds > LONGEST:
        raise typer.BadParameter("a load takes an hour at most", param_hint="--for")
    site = State(state)
    refuse_down(site)
    refuse_other_machines(SiteFile.read(site).edges)
    if not census_file(site).exists():
        if not quiet:
            stderr().print(
                f"Nobody lives here yet, so {PEOPLE:,} people come first."
                " For another number: failwhale populate, before the first load."
            )
        _populate(site, PEOPLE, SEED, quiet=quiet)
    plan = LoadPlan(shape, people, rate, whole_seconds(seconds), ignore_retry_after)
    if plan.seconds != seconds and not quiet:
        stderr().print(f"A load takes whole seconds: {plan.seconds} s instead of {spell_duration(seconds)}.")
    with running(site, plan) as load, Progress(quiet) as progress:
        tell = Teller(plan, progress).tell
        try:
            load.listen(tell)
        except KeyboardInterrupt:
            load.interrupt()
            load.listen(tell)
    result, interrupted = load.result, load.interrupted_after is not None
    findings = _check(site, plan, quiet=quiet) if check and not interrupted else None
    if as_json:
        print_json({**load.row(), **({"checker": findings.as_json()} if findings else {})})
    elif not quiet:
        _print_result(result, findings)
    if load.interrupted_after is not None and not quiet:
        report(f"interrupted after {load.interrupted_after:.0f} of {plan.seconds} s")
    if not result.completed and not interrupted:
        report("the site answered nothing", "is it up? failwhale status; failwhale up")
    raise typer.Exit(_exit_code(result, findings, interrupted))


def _populate(state: State, people: int, seed: int, *, quiet: bool) -> Loaded:
    from loadtests.populate import populate as bring_in

    with Progress(quiet) as progress:
        return bring_in(state, people, seed, telling_people(progress, people))


def _check(state: State, plan: LoadPlan, *, quiet: bool) -> Findings:
    from loadtests.checker import check

    if not quiet:
        stderr().print("Looking for all that was acknowledged ...")
    return check(Target.of(state), acknowledged_file(state), load=plan.name)


def _exit_code(result: Result, findings: Findings | None, interrupted: bool) -> int:
    if interrupted:
        return INTERRUPTED
    if not result.completed:
        return FAILED
    from loadtests.checker import exit_code

    return OK if findings is None else exit_code(findings)


# --- what a person sees ---


class NowAndThen:
    """A line that moves on a terminal, elsewhere a line now and then."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._next = 0.0

    def tell(self, text: str) -> None:
        if is_terminal():
            self._progress.note(text[: shutil.get_terminal_size().columns - 1])
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + LINE_EVERY
            self._progress.say(text)


def telling_people(progress: Progress, people: int) -> Callable[[int, int], None]:
    """Tells that people are loaded, at once, and how far that is."""
    line = NowAndThen(progress)
    line.tell(f"Loading {people:,} people")
    return lambda done, whole: line.tell(f"Loading {people:,} people: {done / whole:.0%}")


def spell_loaded(loaded: Loaded) -> str:
    """Who was loaded, in a line."""
    how = "were here already" if loaded.was_here else f"loaded in {loaded.seconds:.1f} seconds"
    return f"{loaded.people:,} people, {loaded.follows:,} follows and {loaded.posts:,} posts {how}"


class Teller:
    """Tells how a load goes."""

    def __init__(self, plan: LoadPlan, progress: Progress) -> None:
        self._plan = plan
        self._line = NowAndThen(progress)

    def tell(self, now: Mapping[str, Any]) -> None:
        text = (
            f"{now['elapsed']:.0f} of {self._plan.seconds} s: {now['good_since']} good/s; "
            f"{now['offered']} offered, {now['sent']} sent, {now['completed']} completed"
        )
        if now["errors"]:
            text += f"; {_counts(now['errors'])}"
        self._line.tell(text)


def _print_result(result: Result, findings: Findings | None) -> None:
    count = sum(row.count for row in result.operations)
    whole = Operation("all", count, result.good, result.latency)
    print_table(
        ["operation", "count", "good", "p50", "p90", "p99", "p99.9"],
        [
            (
                row.operation,
                row.count,
                row.good,
                *(_spell_percentile(row, name) for name in PERCENTILES),
            )
            for row in (*result.operations, whole)
        ],
        right=["count", "good", "p50", "p90", "p99", "p99.9"],
    )
    say = stdout().print
    say(
        f"\n{result.offered:,} offered, {result.sent:,} sent, {result.completed:,} completed, "
        f"{result.good:,} good"
    )
    if result.not_sent:
        say("not sent: " + _counts(result.not_sent))
    if result.errors:
        say("errors: " + _counts(result.errors))
    if not result.generator_kept_up:
        late = spell_duration(result.generator_lag["p99"] or 0.0)
        say(
            f"This machine was busy: requests were sent {late} later than planned (p99). The latencies are in"
            " part its own, not the site's."
        )
    if findings is not None:
        say(_spell_findings(findings))


def _spell_percentile(row: Operation, name: str) -> str:
    """Nothing where it would be the slowest of too few: the 99th of a hundred needs a hundred."""
    value, share = row.latency[name], PERCENTILES[name]
    return "" if value is None or round(row.count * (1 - share), 6) < 1 else spell_duration(value)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in counts.items())


def _spell_findings(findings: Findings) -> str:
    word = spell(findings.holds, "kept", "BROKEN", "unknown")
    return f"what was acknowledged: {word} ({findings.because})"
