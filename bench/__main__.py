"""`python -m bench`: starts a site, measures it, prints one table, leaves nothing behind. Takes a minute.

Trust ratios within one run, not rates across machines.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from bench.reads import Read, compare
from bench.rest import Processes
from bench.site import BenchError, fill_timelines, running_site

RATIO_TARGET = 0.15
TAIL_TARGET = 10.0
"""p99 over p50 with the most in flight."""

REST_SECONDS = 5.0
MEBIBYTE = 2**20


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
        told("filling timelines")
        tokens, body = fill_timelines(site)
        reads = compare(site, tokens, body, seconds, told)
    return Measured(len(body), reads, site.start_seconds, memory, rest, rest_without_prober)


def table(measured: Measured) -> Table:
    """What a person reads."""
    size = f"{measured.body_bytes / 1000:.1f} kB"
    table = Table(
        title=f"Home timeline of 50 posts, {size}: through the TLS edge, and from a bare FastAPI route"
    )
    for heading in ("in flight", "site req/s", "p50 ms", "p99 ms", "bare req/s", "p50 ms", "p99 ms", "ratio"):
        table.add_column(heading, justify="right")
    for read in measured.reads:
        failed = f" ({read.site.failed} failed)" if read.site.failed else ""
        table.add_row(
            f"{read.in_flight}",
            f"{read.site.per_second:,.0f}{failed}",
            f"{1000 * read.site.p50:.1f}",
            f"{1000 * read.site.p99:.1f}",
            f"{read.bare.per_second:,.0f}",
            f"{1000 * read.bare.p50:.1f}",
            f"{1000 * read.bare.p99:.1f}",
            f"{read.ratio:.2f} {_mark(read.ratio >= RATIO_TARGET)}",
        )
    tail = measured.reads[-1].site.p99 / measured.reads[-1].site.p50
    table.add_section()
    for name, value in (
        ("p99 / p50", f"{tail:.1f} {_mark(tail <= TAIL_TARGET)}"),
        ("start", f"{measured.start_seconds:.1f} s until every journey is green"),
        ("memory", f"{measured.memory_bytes / MEBIBYTE:.0f} MiB"),
        ("CPU at rest", f"{100 * measured.rest:.1f} % of a core"),
        ("no prober", f"{100 * measured.rest_without_prober:.1f} % of a core"),
    ):
        table.add_row(name, value)
    return table


def _mark(good: bool) -> str:
    return "[green]✓[/green]" if good else "[red]✗[/red]"


def main() -> int:
    """The command; returns its exit code: 0 when everything could be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument(
        "--seconds", type=float, default=1.5, help="length of each turn of the client (default 1.5)"
    )
    arguments = parser.parse_args()
    try:
        measured = measure(arguments.seconds, Console(stderr=True, quiet=arguments.json))
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(asdict(measured), indent=2))
    else:
        Console().print(table(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
