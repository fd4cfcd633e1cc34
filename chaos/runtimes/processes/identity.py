"""Which process is meant: a pid alone is not enough, since the system gives it to somebody else one day."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Process:
    """A process that ran at some time: its pid and when it was created, in the system's own clock."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> Process:
        """The process that has this pid now. Raises ProcessLookupError when there is none."""
        created = _created(pid)
        if created is None:
            raise ProcessLookupError(f"no process {pid}")
        return cls(pid, created)

    def is_alive(self) -> bool:
        """Whether exactly this process exists; one that has ended and only waits to be reaped does not."""
        return _created(self.pid) == self.created

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


def _created(pid: int) -> float | None:
    """When the living process with this pid was created; None when there is none. On Linux in ticks since
    boot, which no adjustment of the wall clock moves."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        if os.path.exists("/proc/self/stat"):
            return None
        return _created_elsewhere(pid)
    except ProcessLookupError:
        return None
    return None if fields[0] in "ZX" else float(fields[19])


def _created_elsewhere(pid: int) -> float | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
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


def sessions() -> dict[int, list[int]]:
    """All processes by the session they belong to: every part leads a session of its own."""
    result: dict[int, list[int]] = {}
    for pid in psutil.pids():
        try:
            result.setdefault(os.getsid(pid), []).append(pid)
        except (ProcessLookupError, PermissionError):
            pass
    return result
