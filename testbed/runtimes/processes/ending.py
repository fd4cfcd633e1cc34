"""The end of a site of plain processes, with or without a living supervisor."""

from __future__ import annotations

import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

from foundation.failure import Failure
from foundation.state import State
from testbed.runtimes.processes import sitefile
from testbed.runtimes.processes.client import Processes
from testbed.runtimes.processes.identity import Process, sessions
from testbed.runtimes.processes.record import read_parts
from testbed.sitefile import SiteFile

STOP_SECONDS = 3.0


def end(state: State) -> None:
    """Leave no process and no socket, with or without a living supervisor. No error when nothing runs."""
    site = SiteFile.read_if_made(state)
    if site is None:
        return
    supervisor = sitefile.supervisor(state)
    if supervisor is not None and supervisor.is_alive() and not supervisor.is_paused():
        try:
            Processes(state).down()
        except (Failure, ConnectionError):
            pass  # whatever is wrong with it, below it is ended as if it were dead
    _end_by_record(state, supervisor)
    Path(site.as_processes.socket).unlink(missing_ok=True)
    shutil.rmtree(state.run, ignore_errors=True)
    # Not by what the file says now: a supervisor of another version has written its own form at its end.
    replace(site, processes=replace(site.as_processes, supervisor=None)).write(state)


def _end_by_record(state: State, supervisor: Process | None) -> None:
    """End what the record names, and only that: a pid alone proves nothing."""
    # After `down` it ends by itself; one that hangs must not restart what is ended here.
    if supervisor is not None and not _wait_gone([supervisor], 2.0):
        supervisor.signal(signal.SIGKILL)
    parts = [part.process for part in read_parts(state.run).values() if part.is_running() and part.process]
    everything = [*parts, *_descendants(parts)]
    for number in (signal.SIGCONT, signal.SIGTERM):
        for process in parts:
            process.signal(number)
    _wait_gone(parts, STOP_SECONDS)
    for process in everything:
        process.signal(signal.SIGKILL)
    _wait_gone(everything, STOP_SECONDS)


def _descendants(parts: list[Process]) -> list[Process]:
    """What the parts have started themselves: all that is in their sessions."""
    members = sessions()
    found = []
    for part in parts:
        for pid in members.get(part.pid, []):
            try:
                found.append(Process.of(pid))
            except ProcessLookupError:
                pass
    return found


def _wait_gone(processes: list[Process], seconds: float) -> bool:
    limit = time.monotonic() + seconds
    while any(process.is_alive() for process in processes):
        if time.monotonic() > limit:
            return False
        time.sleep(0.02)
    return True
