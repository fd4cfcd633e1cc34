"""The verbs that tell what users felt: outages, watch, report, score; also ``python -m outages``."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foundation.console import (
    DEFAULT_STATE,
    JsonOption,
    QuietOption,
    StateOption,
    print_json,
    print_table,
    spell_duration,
    stdout,
)
from foundation.state import State
from outages.history import History, history_of
from outages.model import Felt
from testbed.sitefile import SiteFile

if TYPE_CHECKING:
    from outages.score import Pair

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
    from outages.prometheus import detect_if_possible, recorded

    site = State(state)
    history = history_of(site)
    if source is Source.PROMETHEUS:
        rows = recorded(site, history)
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
    SiteFile.read(site)  # raises Failure, with the next step, when there is none
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
        typer.Option(
            "--output",
            metavar="FILE",
            show_default="STATE/reports/report.html",
            help="Where to; - is stdout, without the summary.",
        ),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """A summary here, and one page with the timeline drawn: needs no network, can be sent to anybody.

    Examples:
      failwhale report
      failwhale report --output friday.html
    """
    from outages.prometheus import detect_if_possible
    from outages.report import copied_out, is_inside_a_container, page, save

    site = State(state)
    history = history_of(site)
    detect_if_possible(site, history)
    if output == Path("-"):
        sys.stdout.write(page(history))
        return
    file = save(site, history, output)
    if as_json:
        now = history.now()
        print_json({"file": str(file), "outages": [row.row(now) for row in history.outages]})
    elif not quiet:
        show(history.outages, history, Source.PROBER)
        stdout().print(f"[dim]page:[/dim] {file}")
        if is_inside_a_container(site) and file.is_relative_to(site.path):
            stdout().print(f"[dim]on the machine:[/dim] {copied_out(file)}")


@app.command()
def score(state: StateOption = DEFAULT_STATE, as_json: JsonOption = False) -> None:
    """How good is the monitoring? Its outages, and its alerts, beside the outages that users felt.

    Detected is what Prometheus recorded, missed what it did not; a false positive is what it recorded and
    nobody felt. It is told in seconds, too, so that a monitor that is always down finds no favour.

    Examples:
      failwhale score
      failwhale score --json
    """
    from outages.prometheus import detect_if_possible, recorded
    from outages.score import pair
    from outages.score import score as reckon

    site = State(state)
    history = history_of(site)
    told = recorded(site, history)
    detect_if_possible(site, history)
    now = history.now()
    result = reckon(history.outages, told, now, [(gap.start, gap.end) for gap in history.gaps])
    if as_json:
        print_json(result)
    else:
        show_score(pair(history.outages, told, now), result)


# --- tables ---

GAP = 2
CAUSE_WIDTH, ERROR_WIDTH = 16, 30
"""Columns that a cause needs, for which the count of attempts gives way, and an error, which comes last."""


def show(rows: list[Felt], history: History, source: Source) -> None:
    """A table as wide as the terminal: the cause is shortened where it does not fit, and nothing else is."""
    from rich.table import Table
    from rich.text import Text

    from outages.wording import causes, clock, detection, headline

    console = stdout()
    now = history.now()
    title = headline(history)
    if source is Source.PROMETHEUS:
        title = f"Prometheus recorded {len(rows)} outage{'' if len(rows) == 1 else 's'} in this run."
    console.print(f"[bold]{title}[/bold]")
    if not rows:
        return
    told = [
        (
            clock(row.start),
            row.journey,
            row.kind,
            spell_duration(row.duration(now)) + ("+" if row.end is None else ""),
            f"{row.failed}/{row.attempts}" if row.attempts else "",
            detection(row),
            causes(row) or "no known fault",
            row.error,
        )
        for row in rows
    ]
    heads = ["UTC", "journey", "", "lasted", "failed", "alert", "cause", "error"]
    widths = [max(map(len, column)) for column in zip(heads, *told, strict=True)]
    if not any(row.detected is not None for row in rows):
        widths[5] = 0
    left = console.width - sum(width + GAP for width in widths[:6] if width)
    if left < min(widths[6], CAUSE_WIDTH):
        left, widths[4] = left + widths[4] + GAP, 0
    widths[6] = max(min(widths[6], left), len("cause"))
    left -= widths[6] + GAP
    widths[7] = min(widths[7], left) if left >= min(widths[7], ERROR_WIDTH) else 0

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, GAP, 0, 0))
    for head, width in zip(heads, widths, strict=True):
        if width:
            right = head in ("lasted", "failed", "alert")
            table.add_column(head, justify="right" if right else "left", width=width, no_wrap=True)
    for row, cells in zip(rows, told, strict=True):
        style = "red" if row.kind == "down" else "yellow"
        alert = "dim" if row.detected else "red"
        styles = ["", style, style, style, "", alert, "" if row.causes else "dim", "dim"]
        shown = zip(cells, styles, widths, strict=True)
        table.add_row(*(Text(cell, style=style) for cell, style, width in shown if width))
    console.print(table, soft_wrap=False, width=console.width)


def show_score(pairs: list[Pair], result: dict[str, Any]) -> None:
    """What was recorded, in counts and in seconds, what was alerted, and the two records side by side."""
    from outages.wording import COMES_FROM_THE_PROBER, clock, detection

    console, felt = stdout(), [row.felt for row in pairs if row.felt is not None]
    console.print(
        f"recorded by Prometheus: {result['detected']} detected, {result['missed']} missed,"
        f" {result['false_positives']} false positive{'' if result['false_positives'] == 1 else 's'}"
        + _quantile_words("; too long by", result["duration_error"])
    )
    detected, missed, false = (
        spell_duration(result["seconds"][name]) for name in ("detected", "missed", "false_positives")
    )
    console.print(f"in time: {detected} detected, {missed} missed, {false} false positive")
    late = sum(outage.is_late for outage in felt)
    console.print(
        f"alerted: {result['alerted']} of {len(felt)} outages"
        + (f", {late} more when it was over" if late else "")
        + _quantile_words("; delay", result["detection_delay"])
        + (f" over {result['alerted']} alert{'' if result['alerted'] == 1 else 's'}" if felt else "")
    )
    console.print(f"[dim]{fill(COMES_FROM_THE_PROBER, console.width)}[/dim]")
    if not pairs:
        return

    def told(outage: Felt | None, now: float) -> tuple[str, str]:
        return ("", "") if outage is None else (clock(outage.start), spell_duration(outage.duration(now)))

    console.print()
    print_table(
        ["journey", "", "prober", "lasted", "prometheus", "lasted", "alert", "recorded"],
        (
            [
                row.journey,
                row.kind,
                *told(row.felt, row.now),
                *told(row.recorded, row.now),
                "" if row.felt is None else detection(row.felt),
                row.verdict,
            ]
            for row in sorted(pairs, key=lambda row: row.start)
        ),
        right=["lasted", "alert"],
    )


def _quantile_words(what: str, quantiles: dict[str, float | None]) -> str:
    if quantiles["p50"] is None:
        return ""
    return f"{what} {quantiles['p50']:.1f} s (p50), {quantiles['p90']:.1f} s (p90)"
