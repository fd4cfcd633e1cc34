"""`python -m bench.upkeep --days 400 --day 1s`: a site is left to itself for so many lab days, and what grows
is measured: what each job tells, the memory of all parts, the bytes of the state folder. `--off JOB` has one
job not done; `--plot FILE.svg` draws it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.printing import carry_out
from bench.rest import Processes
from bench.site import BenchError, order, running_site
from foundation.console import duration
from foundation.state import State
from testbed.maintenance import late_jobs, maintenance_now
from testbed.site import Site

EVERY_SECONDS = 2.0
SETTLES_SHARE = 0.25
"""Of the time, before which a level is still being reached."""
WIDTH, HEIGHT, GAP = 720, 70, 34


@dataclass(frozen=True)
class Look:
    """What was seen at one moment, by name; `late` are the jobs that were."""

    seconds: float
    sizes: dict[str, float]
    late: list[str]


@dataclass(frozen=True)
class Upkeep:
    """Everything that one run found out."""

    days: float
    looks: list[Look]
    outages: list[str]


def upkeep(days: float, day: str, off: str | None, told: Callable[[Look], None]) -> Upkeep:
    """Leave a site to itself. Raises BenchError when nobody does its jobs."""
    seconds = days * duration(day)
    os.environ["FAILWHALE_DAY"] = day
    with running_site() as running:
        site, processes = Site(State(running.state)), Processes(running)
        if off is not None:
            limit = f"{seconds:g}s"
            order(running, "chaos", "job-off", "maintenance:all", "--job", off, "--for", limit, "--detach")
        began, looks = time.monotonic(), list[Look]()
        while (passed := time.monotonic() - began) < seconds:
            now = maintenance_now(site)
            if now is not None and now.lead is not None:
                files = [path for path in running.state.rglob("*") if path.is_file()]
                sizes = {
                    **now.grown,
                    "state_folder_bytes": sum(path.stat().st_size for path in files if path.exists()),
                    "site_memory_bytes": processes.memory(),
                }
                looks.append(Look(passed, sizes, late_jobs(now)))
                told(looks[-1])
            time.sleep(EVERY_SECONDS)
        if not looks:
            raise BenchError("nobody did the jobs")
        felt = [f"{row['journey']} {row['kind']} {row['duration']:.1f} s" for row in running.outages()]
        return Upkeep(days, looks, felt)


def table(found: Upkeep) -> Table:
    """What a person reads: each size when it had settled, and at the end."""
    settled = next(look for look in found.looks if look.seconds >= SETTLES_SHARE * found.looks[-1].seconds)
    late = sorted({job for look in found.looks for job in look.late})
    caption = (
        f"felt: {', '.join(found.outages) or 'no outage'}; late at some time: {', '.join(late) or 'no job'}"
    )
    table = Table(box=None, caption=caption, pad_edge=False, padding=(0, 2, 0, 0))
    moments = (f"after {look.seconds:.0f} s" for look in (settled, found.looks[-1]))
    for heading in ("", *moments, "highest"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for name in sorted(found.looks[-1].sizes):
        sizes = [look.sizes[name] for look in found.looks if name in look.sizes]
        shown = (settled.sizes.get(name), sizes[-1], max(sizes))
        table.add_row(name, *("" if size is None else f"{size:,.0f}" for size in shown))
    return table


def plot(found: Upkeep) -> str:
    """A small curve for each size, from zero to its highest, as SVG."""
    names = sorted({name for look in found.looks for name in look.sizes})
    end = found.looks[-1].seconds or 1.0
    rows = []
    for row, name in enumerate(names):
        points = [(look.seconds, look.sizes[name]) for look in found.looks if name in look.sizes]
        highest = max(size for _, size in points) or 1.0
        base = (row + 1) * (HEIGHT + GAP)
        curve = " ".join(f"{x / end * WIDTH:.1f},{base - y / highest * HEIGHT:.1f}" for x, y in points)
        rows.append(
            f"<text x='0' y='{base - HEIGHT - 6}'>{escape(name)}, at most {highest:,.0f}</text>"
            f"<path d='M0 {base}H{WIDTH}' stroke='#bbb'/>"
            f"<polyline points='{curve}' fill='none' stroke='#06c' stroke-width='1.5'/>"
        )
    height = len(names) * (HEIGHT + GAP) + 10
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height}' "
        f"style='background:white;font:13px sans-serif'>{''.join(rows)}</svg>\n"
    )


def main() -> int:
    """The command; returns its exit code: 0 when no user felt an outage and no job was late."""
    parser = argparse.ArgumentParser(prog="python -m bench.upkeep", description=__doc__)
    parser.add_argument("--days", type=float, default=400.0, help="lab days (default 400)")
    parser.add_argument("--day", default="1s", help="how long one takes (default 1s)")
    parser.add_argument("--off", metavar="JOB", help="a job that is not done meanwhile")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="where to draw it, as SVG")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    arguments = parser.parse_args()
    progress = Console(stderr=True, quiet=arguments.json)

    def told(look: Look) -> None:
        late = f", late: {', '.join(look.late)}" if look.late else ""
        progress.print(f"[dim]after {look.seconds:.0f} s{late}[/dim]", highlight=False)

    def measured() -> Upkeep:
        found = upkeep(arguments.days, arguments.day, arguments.off, told)
        if arguments.plot:
            arguments.plot.write_text(plot(found))
        return found

    def is_good(found: Upkeep) -> bool:
        return not found.outages and not any(look.late for look in found.looks)

    return carry_out(measured, table, as_json=arguments.json, is_good=is_good)


if __name__ == "__main__":
    sys.exit(main())
