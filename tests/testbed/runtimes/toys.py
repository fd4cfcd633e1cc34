"""A site of toys: real processes, started from a small compose file of their own."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from foundation.state import State
from testbed.inventory import Inventory
from testbed.runtimes.lifecycle import Wishes
from testbed.runtimes.processes import sitefile
from testbed.runtimes.processes.beginning import begin
from testbed.runtimes.processes.client import Processes
from testbed.runtimes.processes.identity import Process
from testbed.runtimes.processes.outlook import look_ahead
from testbed.runtimes.processes.record import read_parts

TOYS = Path(__file__).parent / "toy" / "docker-compose.yml"


def wait_until(condition: Callable[[], object], what: str, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def is_gone(pid: int) -> bool:
    """Dead; perhaps not yet reaped, if its parent died before it."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


@dataclass
class Toys:
    state: State
    port: int = field(default_factory=free_port)

    @property
    def runtime(self) -> Processes:
        return Processes(self.state)

    def up(self, **settings: str) -> Processes:
        """Start the site and wait until every part is ready."""
        self.begin(**settings)
        self.wait_ready()
        return self.runtime

    def begin(self, **settings: str) -> None:
        wishes = Wishes(TOYS, {"east": self.port}, frozenset())
        begin(self.state, look_ahead(self.state, wishes, {**os.environ, **settings}))

    def phases(self) -> dict[str, str]:
        return {row["name"]: row["phase"] for row in self.runtime.progress()}

    def wait_ready(self) -> None:
        wait_until(lambda: set(self.phases().values()) <= {"ready", "done"}, "all parts ready")

    def pid(self, part: str) -> int:
        process = read_parts(self.state.run)[part].process
        assert process is not None
        return process.pid

    def pid_or_none(self, part: str) -> int | None:
        process = read_parts(self.state.run)[part].process
        return process.pid if process else None

    def restarts(self, part: str) -> int:
        return read_parts(self.state.run)[part].restarts

    def reasons(self) -> dict[str, str]:
        return {row["name"]: row["reason"] for row in self.runtime.progress()}

    def supervisor(self) -> Process:
        process = sitefile.supervisor(self.state)
        assert process is not None
        return process

    def kill_supervisor(self) -> None:
        supervisor = self.supervisor()
        os.kill(supervisor.pid, signal.SIGKILL)
        wait_until(lambda: not supervisor.is_alive(), "the supervisor dead")

    def answer(self, part: str) -> int:
        """The pid that the toy itself says."""
        with socket.create_connection(Inventory.of(self.state).address(part), timeout=2) as connection:
            return int(connection.recv(100))

    def processes(self) -> list[psutil.Process]:
        """Every living process of this site, the supervisor included, told by its environment or command
        line."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.status() != psutil.STATUS_ZOMBIE and (
                    process.environ().get("FAILWHALE_STATE") == str(self.state.path)
                    or str(self.state.path) in process.cmdline()
                ):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def kill_everything(self) -> None:
        """Again and again, since a supervisor that is not dead yet restarts what is."""

        def none_left() -> bool:
            left = self.processes()
            for process in left:
                try:
                    process.kill()
                except psutil.NoSuchProcess:
                    pass
            return not left

        wait_until(none_left, "everything dead")
