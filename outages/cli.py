"""The verbs that tell what users felt: outages, watch, report, score; also ``python -m outages``."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from foundation.console import (
    DEFAULT_STATE,
    JsonOption,
    QuietOption,
    StateOption,
    print_json,
    stdout,
)
from foundation.options import one_of
from foundation.state import State
from outages.history import History, history_of
from outages.model import Felt
from outages.tables import show, show_each, show_rule_sets, show_score
from outages.wording import headline, number_of
from testbed.error_words import names_in
from testbed.sitefile import SiteFile, refuse_down

app = typer.Typer(add_completion=False, no_args_is_help=True)


class Source(StrEnum):
    """Who recorded the outages."""

    PROBER = "prober"
    PROMETHEUS = "prometheus"


_ASKED_OF = {Source.PROBER: "", Source.PROMETHEUS: " --from prometheus"}


@app.command()
def outages(
    state: StateOption = DEFAULT_STATE,
    source: Annotated[
        Source,
        typer.Option(
            "--from",
            parser=one_of(Source),
            metavar="prober|prometheus",
            help="Whose record: the prober's, or what Prometheus made of it.",
        ),
    ] = Source.PROBER,
    every: Annotated[bool, typer.Option("--all", help="Each outage by itself, not by its cause.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """What users felt in this run: which journeys each fault hurt, how long, and what they saw.

    A journey that came and went under one fault counts as one outage. --all shows each time, as --json does.

    Examples:
      failwhale outages
      failwhale outages --all
      failwhale outages --json
      failwhale outages --from prometheus
    """
    from outages.prometheus import detect_if_possible, recorded

    site = State(state)
    history = history_of(site)
    if source is Source.PROMETHEUS:
        refuse_down(site)
        rows = recorded(site, history)
    else:
        rows = history.outages
        detect_if_possible(site, history)
    now = history.now()
    if as_json:
        print_json([row.row(now) for row in rows])
    elif not quiet:
        title, names = _title(rows, history, source), names_in(site)
        if every:
            show_each(rows, now, names, title)
        else:
            show(rows, now, names, title, f"failwhale outages{_ASKED_OF[source]} --all")


def _title(rows: list[Felt], history: History, source: Source) -> str:
    if source is Source.PROBER:
        return headline(history)
    return f"Prometheus recorded {number_of(rows)} in this run."


@app.command()
def watch(
    state: StateOption = DEFAULT_STATE,
    once: Annotated[bool, typer.Option("--once", help="Show it once and leave.")] = False,
) -> None:
    """The users' view, live: journeys, worst first, with their last minute, faults in force, what happens.

    Ctrl-C leaves; nothing is changed by watching.

    Examples:
      failwhale watch
      failwhale watch --once
    """
    from rich.live import Live as Screen

    from outages.watch import Live

    site = State(state)
    SiteFile.read(site)  # raises Failure, with the next step, when there is none
    refuse_down(site)
    console, live = stdout(), Live(site)
    if once or not console.is_terminal:
        live.ask()
        with console.capture() as drawn:
            console.print(live.renderable())
        sys.stdout.writelines(f"{line.rstrip()}\n" for line in drawn.get().splitlines())
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
        sys.stdout.write(page(history, names_in(site)))
        return
    file = save(site, history, output)
    if as_json:
        now = history.now()
        print_json({"file": str(file), "outages": [row.row(now) for row in history.outages]})
    elif not quiet:
        show(history.outages, history.now(), names_in(site), headline(history))
        stdout().print(f"[dim]page:[/dim] {file}")
        if is_inside_a_container(site) and file.is_relative_to(site.path):
            stdout().print(f"[dim]on the machine:[/dim] {copied_out(file)}")


@app.command()
def score(state: StateOption = DEFAULT_STATE, as_json: JsonOption = False) -> None:
    """How good is the monitoring? Its outages, and its alerts, beside the outages that users felt.

    Detected is what Prometheus recorded, missed what it did not; a false positive is what it recorded and
    nobody felt. It is told in seconds, too, so that a monitor that is always down finds no favour.
    Paged are the outages that a page about the journey came for, to whoever is to be paged.
    Outages are counted as `failwhale outages` does; the rows are each time by itself.
    At the end each rule set by itself: how many outages its alerts noticed, and how many alerts meant nothing
    (docs/measuring-the-monitor.md).

    Examples:
      failwhale score
      failwhale score --json
    """
    from outages import rule_sets
    from outages.prometheus import Prometheus, detect_if_possible, recorded
    from outages.score import pair
    from outages.score import score as reckon

    site = State(state)
    history = history_of(site)
    refuse_down(site)
    told = recorded(site, history)
    detect_if_possible(site, history)
    now = history.now()
    no_data = [(gap.start, gap.end) for gap in history.gaps]
    result = reckon(history.outages, told, now, no_data, history.pages)
    prometheus = Prometheus.of(site, history.setting)
    watched = rule_sets.watched_by(prometheus, now if history.began is None else history.began, now)
    by_rule_set = rule_sets.score(history, watched)
    if as_json:
        print_json({**result, "rule_sets": by_rule_set})
    else:
        show_score(pair(history.outages, told, now), result)
        show_rule_sets(by_rule_set)
