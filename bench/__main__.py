"""`python -m bench`: starts a site, measures it, prints one table, leaves nothing behind. Takes a minute.

Trust ratios within one run, not rates across machines.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from bench.effect import seconds_to_effect
from bench.load import Result
from bench.printing import carry_out
from bench.reads import Read, compare
from bench.rest import Processes
from bench.site import fill_timelines, running_site

REST_SECONDS = 5.0


@dataclass(frozen=True)
class Measured:
    """Everything that one run found out."""

    body_bytes: int
    reads: list[Read]
    start_seconds: float
    memory_bytes: int
    rest: float
    """Share of one core at rest, prober included."""
    rest_without_prober: float
    effect_seconds: float
    """From the request to kill a process until it is dead."""


def measure(seconds: float, console: Console) -> Measured:
    """Start a site, fill it, measure it, end it. Raises BenchError."""

    def told(what: str) -> None:
        console.print(f"[dim]{what}[/dim]", highlight=False)

    told("starting a site")
    with running_site() as site:
        told("at rest")
        processes = Processes(site)
        rest = processes.share_of_a_core(REST_SECONDS)
        with processes.without("prober"):
            rest_without_prober = processes.share_of_a_core(REST_SECONDS)
        memory = processes.memory()
        told("killing a process, again and again")
        effect = seconds_to_effect(site)
        told("filling timelines")
        tokens, body = fill_timelines(site)
        reads = compare(site, tokens, body, seconds, told)
    return Measured(len(body), reads, site.start_seconds, memory, rest, rest_without_prober, effect)


@dataclass(frozen=True)
class Row:
    """A line of the table; `good` is whether the target is met."""

    what: str
    site: str
    bare: str
    target: str
    good: bool


def rows(measured: Measured) -> Iterator[Row]:
    """The lines of the table, with what the project promises beside each."""
    for read in measured.reads:
        what = f"reads, {read.in_flight} at once"
        site, bare = _spelled(read.site), _spelled(read.bare)
        yield Row(what, site, bare, f"{read.ratio:.2f} (≥ 0.15)", read.ratio >= 0.15)
    last = measured.reads[-1]
    tail = last.site.p99 / last.site.p50
    yield Row(f"p99/p50, {last.in_flight} at once", f"{tail:.1f}", "", "≤ 10", tail <= 10)
    start = measured.start_seconds
    yield Row("start until green", f"{start:.1f} s", "", "≤ 5 s", start <= 5)
    effect = 1000 * measured.effect_seconds
    yield Row("from a kill to its effect", f"{effect:.0f} ms", "", "≤ 15 ms", effect <= 15)
    memory = measured.memory_bytes / 1e6
    yield Row("memory at rest", f"{memory:.0f} MB", "", "≤ 440 MB", memory <= 440)
    for what, share, most in (
        ("CPU at rest", measured.rest, 40),
        ("the same, no prober", measured.rest_without_prober, 10),
    ):
        yield Row(what, f"{100 * share:.1f} % of a core", "", f"≤ {most} %", 100 * share <= most)


def table(measured: Measured) -> Table:
    """What a person reads."""
    size = f"{measured.body_bytes / 1000:.1f} kB"
    caption = (
        f"Reads of a home timeline of 50 posts, {size}: requests per second, p50/p99.\n"
        "The site: through TLS, everything on. The bare FastAPI route: plain HTTP."
    )
    table = Table(box=None, caption=caption, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("", "site", "bare route", "bound"):
        table.add_column(heading, no_wrap=True)
    for row in rows(measured):
        mark = "[green]✓[/green]" if row.good else "[red]✗[/red]"
        table.add_row(row.what, row.site, row.bare, f"{mark} {row.target}")
    return table


def _spelled(result: Result) -> str:
    latencies = f"{1000 * result.p50:.2g}/{1000 * result.p99:.2g} ms"
    failed = f", {result.failed} failed" if result.failed else ""
    return f"{result.per_second:,.0f}/s, {latencies}{failed}"


def main() -> int:
    """The command; returns its exit code: 0 when everything could be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument(
        "--seconds", type=float, default=1.5, help="length of each turn of the client (default 1.5)"
    )
    arguments = parser.parse_args()
    progress = Console(stderr=True, quiet=arguments.json)
    return carry_out(lambda: measure(arguments.seconds, progress), table, as_json=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
