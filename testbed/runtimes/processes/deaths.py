"""Learning at once that a process has died, whether it is a child or was adopted from a dead supervisor."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from testbed.runtimes.processes.identity import Process
from testbed.runtimes.processes.loop import Loop

POLL_SECONDS = 0.1


def watch(loop: Loop, process: Process, callback: Callable[[int | None], None]) -> None:
    """Call back once, when the process is dead and reaped, with its exit code (negative: the signal that
    ended it), or None for an adopted process, whose code only its late parent could have learned."""
    try:
        file = os.pidfd_open(process.pid)
    except ProcessLookupError:
        loop.after(0, lambda: callback(None))
        return
    except (AttributeError, OSError):
        _poll(loop, process, callback)
        return
    if not process.is_alive():  # what was opened may be whoever has got its pid since
        os.close(file)
        loop.after(0, lambda: callback(_reap(process)))
        return

    def died() -> None:
        loop.unwatch(file)
        os.close(file)
        callback(_reap(process))

    loop.watch(file, died)


def _poll(loop: Loop, process: Process, callback: Callable[[int | None], None]) -> None:
    """For systems whose kernel does not hand out processes as files."""
    if process.is_alive():
        loop.after(POLL_SECONDS, lambda: _poll(loop, process, callback))
    else:
        callback(_reap(process))


def _reap(process: Process) -> int | None:
    if not process.is_unreaped_child():  # of an adopted one the number may belong to a stranger by now
        return None
    # What the part started must not outlive it. Before reaping, while the number is surely its own.
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass
    try:
        _, status = os.waitpid(process.pid, os.WNOHANG)
    except ChildProcessError:
        return None
    return os.waitstatus_to_exitcode(status)
