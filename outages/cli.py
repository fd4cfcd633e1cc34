"""The verbs that tell what users felt: outages, watch, report, score; also ``python -m outages``."""

from __future__ import annotations

import time
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from failwhale.console import (
    DEFAULT_STATE,
    Failure,
    JsonOption,
    QuietOption,
    StateOption,
    print_json,
    spell_duration,
    stdout,
)
from failwhale.state import State
from outages.history import Felt, History, read

app = typer.Typer(add_completion=False, no_args_is_help=True)


class Source(StrEnum):
    """Who recorded the outages."""

    PROBER = "prober"
    PROMETHEUS = "prometheus"


@app.command()
def outages(
    state: StateOption = DEFAULT_STATE,
    source: Annotated[
        Source, typer.Option("--from", help="Whose record: the prober's, or what Prometheus made of it.")
    ] = Source.PROBER,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """What users felt in this run: every outage, how long it was, and which fault caused it.

    Examples:
      failwhale outages
      failwhale outages --json
      failwhale outages --from prometheus
    """
    site = State(state)
    history = history_of(site)
    if source is Source.PROMETHEUS:
        rows = recorded_by_prometheus(site, history)
    else:
        rows = history.outages
        detect_if_possible(site, history)
    now = history.now()
    if as_json:
        print_json([row.row(now) for row in rows])
    elif not quiet:
        show(rows, history, source)


@app.command()
def watch(
    state: StateOption = DEFAULT_STATE,
    once: Annotated[bool, typer.Option("--once", help="Show it once and leave.")] = False,
) -> None:
    """The users' view, live: journeys with their last minute, faults in force, parts that are down.

    Ctrl-C leaves; nothing is changed by watching.

    Examples:
      failwhale watch
      failwhale watch --once
    """
    from rich.live import Live as Screen

    from outages.watch import Live

    site = State(state)
    site.site()  # raises Failure, with the next step, when there is none
    console, live = stdout(), Live(site)
    if once or not console.is_terminal:
        console.print(live.renderable())
        return
    with (
        suppress(KeyboardInterrupt),
        Screen(get_renderable=live.renderable, console=console, refresh_per_second=5, screen=True),
    ):
        while True:
            time.sleep(1)


@app.command()
def report(
    state: StateOption = DEFAULT_STATE,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", show_default="STATE/reports/report.html", help="Where to."),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """A summary here, and one page with the timeline drawn: needs no network, can be sent to anybody.

    Examples:
      failwhale report
      failwhale report --output friday.html
    """
    from outages.report import page

    site = State(state)
    history = history_of(site)
    detect_if_possible(site, history)
    file = output or site.reports / "report.html"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page(history), encoding="utf-8")
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}", "name another one: --output") from None
    if as_json:
        now = history.now()
        print_json({"file": str(file), "outages": [row.row(now) for row in history.outages]})
    elif not quiet:
        show(history.outages, history, Source.PROBER)
        stdout().print(f"[dim]page:[/dim] {file}")


@app.command()
def score(state: StateOption = DEFAULT_STATE, as_json: JsonOption = False) -> None:
    """How good is the monitoring? Its outages beside those that users felt: caught, missed, invented.

    Examples:
      failwhale score
      failwhale score --json
    """
    from outages.score import pair
    from outages.score import score as reckon

    site = State(state)
    history = history_of(site)
    recorded = recorded_by_prometheus(site, history)
    detect_if_possible(site, history)
    result = reckon(pair(history.outages, recorded, history.now()))
    if as_json:
        print_json(result)
        return
    console = stdout()
    console.print(f"{result['caught']} caught, {result['missed']} missed, {result['invented']} invented")
    for name, what in (("detection_delay", "late by"), ("duration_error", "too long by")):
        p50, p90 = result[name]["p50"], result[name]["p90"]
        if p50 is not None:
            console.print(f"{what} {p50:.1f} s (median), {p90:.1f} s (p90)")


# --- what they share ---


def history_of(site: State) -> History:
    """The latest run. Raises Failure when there never was one."""
    if not site.ledger.exists():
        raise Failure(f"nothing is recorded in {site.path}", "start a site: failwhale up")
    return read(site.ledger)


def recorded_by_prometheus(site: State, history: History) -> list[Felt]:
    """Its outages over the run, with causes. Raises Failure when it cannot be asked."""
    from outages.causes import causes_of
    from outages.prometheus import Prometheus

    if history.began is None:
        return []
    now = history.now()
    found = Prometheus.of(site).outages(history.began, now)
    for outage in found:
        outage.causes = causes_of(outage, history.faults, now)
    return found


def detect_if_possible(site: State, history: History) -> None:
    """Note what Prometheus noticed, if it runs; without it nothing is said about detection."""
    from outages.prometheus import ALERTS, Prometheus, detect

    if history.began is None or not history.outages:
        return
    try:
        prometheus = Prometheus.of(site)
        firing = {kind: prometheus.firing(kind, history.began, history.now()) for kind in ALERTS}
    except Failure:
        return
    for kind, alerts in firing.items():
        detect([row for row in history.outages if row.kind == kind], alerts, history.now())


def show(rows: list[Felt], history: History, source: Source) -> None:
    """A table for a terminal of 80 columns; wider ones see the errors, too."""
    from rich.table import Table
    from rich.text import Text

    from outages.words import causes, clock, detection, headline

    console = stdout()
    now = history.now()
    title = headline(history)
    if source is Source.PROMETHEUS:
        title = f"Prometheus recorded {len(rows)} outage{'' if len(rows) == 1 else 's'} in this run."
    console.print(f"[bold]{title}[/bold]")
    if not rows:
        return
    wide = console.width >= 110
    asked = any(row.detected is not None for row in rows)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("UTC", min_width=8)
    table.add_column("journey", min_width=19)
    table.add_column("lasted", justify="right", min_width=6)
    table.add_column("failed", justify="right", min_width=6)
    if asked:
        table.add_column("alert", justify="right", min_width=6)
    table.add_column("cause", no_wrap=True, overflow="ellipsis", ratio=2)
    if wide:
        table.add_column("error", no_wrap=True, overflow="ellipsis", ratio=3)
    for row in rows:
        style = "red" if row.kind == "down" else "yellow"
        lasted = spell_duration(row.duration(now)) + ("+" if row.end is None else "")
        cells = [
            Text(clock(row.start)),
            Text(row.journey, style=style),
            Text(lasted, style=style),
            Text(f"{row.failed}/{row.attempts}" if row.attempts else ""),
            *([Text(detection(row), style="dim" if row.detected else "red")] if asked else []),
            Text(causes(row) or "no known fault", style="" if row.causes else "dim"),
        ]
        if wide:
            cells.append(Text(row.error, style="dim"))
        table.add_row(*cells)
    console.print(table, soft_wrap=False, width=console.width)
