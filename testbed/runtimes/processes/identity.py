"""Which process is meant: a pid alone is not enough, since the system gives it to somebody else one day."""

from __future__ import annotations

import os
import resource
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import psutil

_LIMITS_CAN_BE_CHANGED = hasattr(psutil.Process, "rlimit")
"""From outside a process, which Linux lets its user do."""


@dataclass(frozen=True)
class Process:
    """A process that ran at some time: its pid and when it was created, in the system's own clock."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> Process:
        """The process that has this pid now. Raises ProcessLookupError when there is none."""
        born = _born(pid)
        if born is None or born.ended:
            raise ProcessLookupError(f"no process {pid}")
        return cls(pid, born.created)

    def is_alive(self) -> bool:
        """Whether exactly this process exists; one that has ended and only waits to be reaped does not."""
        born = _born(self.pid)
        return born is not None and born.created == self.created and not born.ended

    def is_unreaped_child(self) -> bool:
        """Whether it is a child of this process that has ended: until it is reaped, its pid stays its own."""
        return _born(self.pid) == _Born(self.created, ended=True, parent=os.getpid())

    def is_paused(self) -> bool:
        """Whether it is stopped by SIGSTOP, as the kernel says."""
        try:
            return self.is_alive() and psutil.Process(self.pid).status() == psutil.STATUS_STOPPED
        except psutil.NoSuchProcess:
            return False

    def signal(self, number: signal.Signals) -> None:
        """Signal the process with its whole group, which it leads. No error when it is gone."""
        if not self.is_alive():
            return
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            # A process that has not yet become the leader of its own group; macOS says "permission" for a
            # zombie.
            try:
                os.kill(self.pid, number)
            except (ProcessLookupError, PermissionError):
                pass

    def age(self) -> float:
        """Seconds since it began. Raises ProcessLookupError when it is gone."""
        try:
            return time.time() - psutil.Process(self.pid).create_time()
        except psutil.NoSuchProcess:
            raise ProcessLookupError(f"no process {self.pid}") from None

    def most_files(self) -> int:
        """How many files it may have open; 0 when it is gone."""
        return self._limits(resource.RLIMIT_NOFILE)[0]

    def limit_files(self, most: int) -> None:
        """Let it have so many files open, as far as its hard limit allows. No error when it is gone."""
        self._limit(resource.RLIMIT_NOFILE, most)

    def lets_files_grow(self) -> bool:
        """Whether it may make a file longer; true when it is gone."""
        return self._limits(resource.RLIMIT_FSIZE)[0] != 0 or not self.is_alive()

    def let_files_grow(self, may: bool) -> None:
        """Allow it to make files longer, as far as its hard limit allows, or not; nothing when it is gone."""
        self._limit(resource.RLIMIT_FSIZE, None if may else 0)

    def _limits(self, kind: int) -> tuple[int, int]:
        """The soft and the hard one. Where the system tells nobody (macOS) there is none."""
        if not _LIMITS_CAN_BE_CHANGED:
            return resource.RLIM_INFINITY, resource.RLIM_INFINITY
        try:
            return psutil.Process(self.pid).rlimit(kind)
        except psutil.NoSuchProcess:
            return 0, 0

    def _limit(self, kind: int, most: int | None) -> None:
        """None: as much as the hard limit allows."""
        hard = self._limits(kind)[1]
        if _LIMITS_CAN_BE_CHANGED and self.is_alive():
            soft = hard if most is None or most > hard != resource.RLIM_INFINITY else most
            psutil.Process(self.pid).rlimit(kind, (soft, hard))


class _Born(NamedTuple):
    """When a process was created, whether it has ended and only waits to be reaped, and by whom."""

    created: float
    ended: bool
    parent: int


def _born(pid: int) -> _Born | None:
    """The process with this pid; None when there is none. On Linux in ticks since boot, which no adjustment
    of the wall clock moves."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        if os.path.exists("/proc/self/stat"):
            return None
        return _born_elsewhere(pid)
    except ProcessLookupError:
        return None
    return _Born(float(fields[19]), ended=fields[0] in "ZX", parent=int(fields[1]))


def _born_elsewhere(pid: int) -> _Born | None:
    try:
        process = psutil.Process(pid)
        return _Born(process.create_time(), process.status() == psutil.STATUS_ZOMBIE, process.ppid())
    except psutil.NoSuchProcess:
        return None


def memory(pids: list[int]) -> int:
    """Proportional set size of these processes together, in bytes: shared pages are split among their
    users. Where the system does not say (macOS), the resident size."""
    total = 0
    for pid in pids:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += (
                next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) * 1024
            )
        except (FileNotFoundError, ProcessLookupError, PermissionError, StopIteration):
            try:
                total += psutil.Process(pid).memory_info().rss
            except psutil.NoSuchProcess:
                pass
    return total


def usage_of(process: Process) -> tuple[float, int] | None:
    """Seconds of the processor that a process and its children have used, and their memory in bytes; None
    when it is gone."""
    try:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        cpu = sum(times.user + times.system for times in (one.cpu_times() for one in family))
    except psutil.NoSuchProcess:
        return None
    return (cpu, memory([one.pid for one in family])) if process.is_alive() else None


def sessions() -> dict[int, list[int]]:
    """All processes by the session they belong to: every part leads a session of its own."""
    result: dict[int, list[int]] = {}
    for pid in psutil.pids():
        try:
            result.setdefault(os.getsid(pid), []).append(pid)
        except (ProcessLookupError, PermissionError):
            pass
    return result
