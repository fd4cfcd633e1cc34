"""What the site costs when nobody does anything: memory and processor time of all its processes.

`python -m bench.rest --for 1h` starts a site, leaves it at rest, and says what each part weighs at the start
and at the end, what the prober's users felt meanwhile, and whom an alert called for nothing. With `--noise 7`
harmless small faults go on beside: it is the negative control of faults, incidents and rule sets.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from bench.printing import carry_out
from bench.site import BenchError, Site, begin, running_site
from foundation.console import duration, spell_duration

SUPERVISOR = "supervisor"
MOST_BYTES = 460_000_000
"""What the whole site may weigh, after an hour at rest too: 420 MB for what serves users and who watches it,
40 for maintenance in both data centres."""

RULE_SETS_THAT_PAGE = ("journeys", "burn-rates")
"""Those that have to be silent where users are well; of the others it is measured."""


class Processes:
    """All processes of a site: those of its parts, what started them, and what they started."""

    def __init__(self, site: Site) -> None:
        self._pids = {row["name"]: int(row["pid"]) for row in site.parts() if row.get("pid")}
        roots = {name: psutil.Process(pid) for name, pid in self._pids.items()}
        # The parent of the parts is the supervisor; this process is nobody's parent here, the site detaches.
        parents = {parent for root in roots.values() if (parent := root.parent()) and parent.pid > 1}
        self._parts = {name: [root, *root.children(recursive=True)] for name, root in roots.items()}
        of_parts = {process for processes in self._parts.values() for process in processes}
        self._parts[SUPERVISOR] = sorted(
            {process for parent in parents for process in (parent, *parent.children(recursive=True))}
            - of_parts,
            key=lambda process: process.pid,
        )

    def memory_by_part(self) -> dict[str, int]:
        """Bytes of each part, and of the supervisor: the sum of the proportional set sizes of its processes
        (of resident sizes where there are no such)."""
        return {name: sum(map(_memory, processes)) for name, processes in self._parts.items()}

    def memory(self) -> int:
        """Bytes of them all."""
        return sum(self.memory_by_part().values())

    def share_of_a_core(self, seconds: float) -> float:
        """Processor time used during the next `seconds`, as a share of one core."""
        before = self._times()
        began = time.perf_counter()
        time.sleep(seconds)
        after = self._times()
        used = sum(after[pid] - before[pid] for pid in before.keys() & after.keys())
        return used / (time.perf_counter() - began)

    @contextmanager
    def without(self, part: str) -> Iterator[None]:
        """With this part's process stopped, and going on afterwards."""
        os.kill(self._pids[part], signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._pids[part], signal.SIGCONT)

    def _times(self) -> Mapping[int, float]:
        times = {}
        for processes in self._parts.values():
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    spent = process.cpu_times()
                    times[process.pid] = spent.user + spent.system
        return times


def _memory(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess):
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.rss))
    return 0


@dataclass(frozen=True)
class Look:
    """What each part weighed, in bytes, so many seconds after the site was up."""

    seconds: float
    parts: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.parts.values())


@dataclass(frozen=True)
class Rest:
    """A site at rest for a while: looks at it from its start to its end, and the outages that users felt."""

    looks: list[Look]
    outages: list[dict[str, Any]]
    alerts: Mapping[str, int]
    """By rule set: of each outage that is none."""

    @property
    def is_quiet(self) -> bool:
        """Whether nobody felt an outage, and no rule set that pages had an alert."""
        return not self.outages and not any(self.alerts.get(name) for name in RULE_SETS_THAT_PAGE)


def rest(seconds: float, every: float, told: Callable[[Look], None], noise: int | None = None) -> Rest:
    """Start a site, leave it alone for so many seconds, look at it as often as `every` says, end it. With
    `noise`, a seed, harmless small faults are drawn meanwhile.

    Raises BenchError.
    """
    with running_site() as site, _noise(site, noise):
        began = time.monotonic()
        looks: list[Look] = []
        while True:
            # Anew each time: a part may have been started again meanwhile.
            parts = Processes(site).memory_by_part()
            looks.append(Look(time.monotonic() - began, parts))
            told(looks[-1])
            left = began + seconds - time.monotonic()
            if left <= 0:
                return Rest(looks, site.outages(), site.alerts_that_meant_nothing())
            time.sleep(min(every, left))


@contextmanager
def _noise(site: Site, seed: int | None) -> Iterator[None]:
    if seed is None:
        yield
        return
    drawing = begin(site, "chaos", "noise", "--seed", str(seed), "--every", "10s", "--quiet")
    try:
        yield
        if drawing.poll() is not None:
            raise BenchError(f"the noise ended by itself, with exit code {drawing.returncode}")
    finally:
        drawing.send_signal(signal.SIGINT)
        drawing.wait()


def table(rest: Rest) -> Table:
    """What a person reads."""
    first, last = rest.looks[0], rest.looks[-1]
    mark = "[green]✓[/green]" if last.total <= MOST_BYTES else "[red]✗[/red]"
    felt = f"{len(rest.outages)} outages" if rest.outages else "no outage"
    alerts = ", ".join(f"{name} {count}" for name, count in rest.alerts.items())
    caption = (
        f"MB. {mark} ≤ {MOST_BYTES / 1e6:.0f} MB at the end; {felt}.\nAlerts that meant nothing: {alerts}."
    )
    table = Table(box=None, caption=caption, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for heading in ("at the start", f"after {spell_duration(round(last.seconds))}", "more"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name in sorted(first.parts.keys() | last.parts.keys()):
        table.add_row(name, *_megabytes(first.parts.get(name, 0), last.parts.get(name, 0)))
    table.add_row("all", *_megabytes(first.total, last.total), style="bold")
    return table


def _megabytes(before: int, after: int) -> tuple[str, str, str]:
    return f"{before / 1e6:.1f}", f"{after / 1e6:.1f}", f"{(after - before) / 1e6:+.1f}"


def _seconds(text: str) -> float:
    try:
        return duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def main() -> int:
    """The command; returns its exit code: 0 when the site kept its bound, no user felt an outage, and nobody
    was paged for nothing."""
    parser = argparse.ArgumentParser(prog="python -m bench.rest", description=__doc__)
    parser.add_argument("--for", dest="seconds", type=_seconds, default=60.0, help="how long (default 1m)")
    parser.add_argument("--every", type=_seconds, default=300.0, help="between two looks (default 5m)")
    parser.add_argument("--noise", type=int, metavar="SEED", help="draw harmless small faults, one each 10s")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    arguments = parser.parse_args()
    progress = Console(stderr=True, quiet=arguments.json)

    def told(look: Look) -> None:
        at = spell_duration(round(look.seconds))
        progress.print(f"[dim]after {at}: {look.total / 1e6:.0f} MB[/dim]", highlight=False)

    def is_good(found: Rest) -> bool:
        return found.looks[-1].total <= MOST_BYTES and found.is_quiet

    return carry_out(
        lambda: rest(arguments.seconds, arguments.every, told, arguments.noise),
        table,
        as_json=arguments.json,
        is_good=is_good,
    )


if __name__ == "__main__":
    sys.exit(main())
