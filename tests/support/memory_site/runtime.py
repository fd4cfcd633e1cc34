"""A runtime in memory: processes, what a fault takes from them, and leases that end it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from foundation.failure import Failure
from memory_site.parts import NAMES
from testbed.runtimes import Usage


class Killed(SystemExit):
    """The controller dies here. No `except Exception` sees it, as none would see a SIGKILL."""


@dataclass
class Process:
    running: bool = True
    paused: bool = False
    cut: bool = False
    limited: bool = False
    few_files: bool = False
    keyless: bool = False
    packets: dict[str, float] = field(default_factory=dict)
    began: float = 0.0
    disk_full: bool = False
    points: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class MemoryRuntime:
    """Implements testbed.runtimes.Runtime as far as faults use it. What fell due is undone when seen."""

    step: Callable[[], None]
    name: str = "processes"
    processes: dict[str, Process] = field(default_factory=lambda: {name: Process() for name in NAMES})
    leases: dict[str, tuple[str, str, float]] = field(default_factory=dict)
    on_restart: Callable[[str], None] = lambda part: None
    """What ends with the process, besides what this runtime knows of."""
    reloaded: bool = False
    """Whether somebody shall read the files anew by which it goes."""
    harmless: bool = False

    def settle(self) -> None:
        for lease, (part, undo, until) in list(self.leases.items()):
            if time.monotonic() >= until:
                del self.leases[lease]
                {"start": self.revive, "resume": self.thaw, "allow-files": self.free_files}[undo](part)

    def of(self, part: str) -> Process:
        self.settle()
        if part not in self.processes:
            raise Failure(f"no part is named {part!r}")
        return self.processes[part]

    def arm(self, lease: str, part: str, undo: str, seconds: float) -> None:
        self.step()
        self.of(part)
        if self.name == "docker":  # where the controller is restarted, nothing is kept
            return
        self.leases[lease] = (part, undo, time.monotonic() + seconds)
        self.step()

    def disarm(self, lease: str) -> None:
        self.step()
        self.settle()
        self.leases.pop(lease, None)
        self.step()

    def kill(self, part: str) -> None:
        self.step()
        process = self.of(part)
        self.processes[part] = replace(process, running=False, paused=False, points={})
        self.step()

    stop = kill

    def restarts(self, part: str) -> int:
        """Once for each injection point that it dies of."""
        kinds = [] if self.harmless else [point["kind"] for point in self.of(part).points.values()]
        return sum(kind in ("crash-loop", "out-of-memory") for kind in kinds)

    def start(self, part: str) -> None:
        self.step()
        self.of(part)
        self.revive(part)
        self.step()

    def restart(self, part: str) -> None:
        self.start(part)
        self.processes[part].began = time.monotonic()
        self.on_restart(part)

    def revive(self, part: str) -> None:
        self.processes[part].running = True

    def reload(self, part: str) -> None:
        self.step()
        self.of(part)
        self.reloaded = True
        self.step()

    def pause(self, part: str) -> None:
        self.step()
        process = self.of(part)
        process.paused = process.running
        self.step()

    def resume(self, part: str) -> None:
        self.step()
        self.of(part)
        self.thaw(part)
        self.step()

    def thaw(self, part: str) -> None:
        self.processes[part].paused = False

    def fill_disk(self, part: str) -> None:
        self.step()
        self.of(part).disk_full = True
        self.step()

    def clear_disk(self, part: str) -> None:
        self.step()
        self.of(part).disk_full = False
        self.step()

    def is_disk_full(self, part: str) -> bool:
        return self.of(part).disk_full

    def cut(self, part: str, keep: Collection[str] = ()) -> None:
        self.step()
        self.of(part).cut = True
        self.step()

    def join(self, part: str) -> None:
        self.step()
        self.of(part).cut = False
        self.step()

    def is_cut(self, part: str) -> bool:
        return self.of(part).cut

    def starve(self, lease: str, part: str, share: float, seconds: float) -> None:
        self.step()
        self.of(part).limited = True
        self.step()

    def feed(self, part: str) -> None:
        self.step()
        self.of(part).limited = False
        self.step()

    def is_starved(self, part: str) -> bool:
        return self.of(part).limited

    def held_back(self, part: str, meanwhile: Callable[[], None]) -> float:
        meanwhile()
        return 0.1 if self.of(part).limited else 0.0

    def usage(self, part: str) -> Usage:
        """With all that its injection points take."""
        process = self.of(part)
        if not process.running:
            raise Failure(f"{part} is not running")
        points = [point for point in process.points.values() if time.monotonic() < point["until"]]
        points = [] if self.harmless else points
        burns = any(point["kind"] == "cpu-burn" for point in points)
        taken = sum(point["megabytes"] for point in points if point["kind"] in ("memory-leak", "memory-hog"))
        return Usage(time.monotonic() if burns else 0.0, (64 + taken) * 2**20, None)

    def limit_files(self, part: str, most: int) -> None:
        self.step()
        self.of(part).few_files = True
        self.step()

    def allow_files(self, part: str) -> None:
        self.step()
        self.of(part)
        self.free_files(part)
        self.step()

    def free_files(self, part: str) -> None:
        self.processes[part].few_files = False

    def lacks_files(self, part: str) -> bool:
        return self.of(part).few_files

    def disturb(self, part: str, wanted: Mapping[str, float]) -> None:
        self.step()
        self.of(part).packets = dict(wanted)
        self.step()

    def try_netem(self, part: str) -> None:
        self.of(part)

    def leave_alone(self, part: str) -> None:
        self.step()
        self.of(part).packets = {}
        self.step()

    def are_disturbed(self, part: str) -> bool:
        return bool(self.of(part).packets)

    def age(self, part: str) -> float:
        return time.monotonic() - self.of(part).began

    def is_running(self, part: str) -> bool:
        return self.of(part).running

    def is_paused(self, part: str) -> bool:
        return self.of(part).paused
