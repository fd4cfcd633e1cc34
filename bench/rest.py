"""What the site costs when nobody does anything: memory and processor time of all its processes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import psutil

from bench.site import Site


class Processes:
    """All processes of a site: those of its parts, what started them, and what they started."""

    def __init__(self, site: Site) -> None:
        self._pids = {row["name"]: int(row["pid"]) for row in site.parts() if row.get("pid")}
        roots = {psutil.Process(pid) for pid in self._pids.values()}
        # The parent of the parts is the supervisor; this process is nobody's parent here, the site detaches.
        supervisors = {parent for root in roots if (parent := root.parent()) is not None and parent.pid > 1}
        everything = roots | supervisors
        for process in roots | supervisors:
            everything.update(process.children(recursive=True))
        self._all = sorted(everything, key=lambda process: process.pid)

    def memory(self) -> int:
        """Bytes: the sum of the proportional set sizes (of resident sizes where there are no such)."""
        return sum(_memory(process) for process in self._all)

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
        for process in self._all:
            with suppress(psutil.NoSuchProcess):
                spent = process.cpu_times()
                times[process.pid] = spent.user + spent.system
        return times


def _memory(process: psutil.Process) -> int:
    with suppress(psutil.NoSuchProcess):
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.rss))
    return 0
