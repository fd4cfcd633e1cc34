"""Starting a process from the supervisor: a fork that goes on as a Python module, or that becomes another
program."""

from __future__ import annotations

import gc
import importlib
import os
import runpy
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from testbed.runtimes.processes import redis_cli
from testbed.runtimes.processes.identity import Process

# Forking without exec is not safe on macOS once system libraries have been used.
CAN_FORK = sys.platform != "darwin"


def module_of(words: Sequence[str]) -> str | None:
    """The module that `python -m MODULE ...` names, if these are such words."""
    if len(words) >= 3 and words[0] in ("python", "python3") and words[1] == "-m":
        return words[2]
    return None


def import_module(module: str) -> str:
    """Import what `python -m MODULE` would run, and return its full name (a package's `__main__`)."""
    loaded = importlib.import_module(module)
    if hasattr(loaded, "__path__"):
        module = f"{module}.__main__"
        importlib.import_module(module)
    return module


class Launched:
    """A new process that waits. It goes on when released, and ends by itself if its parent dies before: so
    nothing ever runs that was not recorded first."""

    def __init__(self, process: Process, gate: int) -> None:
        self.process = process
        self._gate = gate

    def release(self) -> None:
        os.write(self._gate, b"!")
        os.close(self._gate)


def launch(
    words: Sequence[str],
    environment: Mapping[str, str],
    folder: str,
    output: int,
    *,
    name: str = "",
    limit: float | None = None,
) -> Launched:
    """Fork a process in a session of its own with its output in the file descriptor `output`. With a
    `limit` in seconds the system ends it by SIGALRM, even if the supervisor is dead by then. Raises OSError
    when the system has no process left."""
    gate_out, gate_in = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        os.close(gate_out)
        os.close(gate_in)
        raise
    if pid == 0:
        _become(words, environment, folder, output, gate_out, name, limit)
    os.close(gate_out)
    return Launched(Process.of(pid), gate_in)


def _become(
    words: Sequence[str],
    environment: Mapping[str, str],
    folder: str,
    output: int,
    gate: int,
    name: str,
    limit: float | None,
) -> NoReturn:
    """The child's side: never returns to the supervisor's code."""
    code = 1
    try:
        gc.disable()  # until all is inherited: a collection would touch, and so copy, every page
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.dup2(gate, 3)
        os.closerange(4, max(map(int, os.listdir("/dev/fd"))) + 1)
        released = os.read(3, 1)
        os.close(3)
        if released:
            _reset_signals()
            if limit is not None:
                signal.setitimer(signal.ITIMER_REAL, limit)
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(environment)
            gc.enable()
            code = _go_on(words, name)
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                pass
        os._exit(code)


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _go_on(words: Sequence[str], name: str) -> int:
    if words[0] == "redis-cli":
        return _call(redis_cli.main, words)
    module = module_of(words)
    if module is not None and CAN_FORK:
        _show_name(name)
        return _run_module(module, words)
    arguments = [sys.executable, *words[1:]] if words[0] in ("python", "python3") else list(words)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and a program would inherit that
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    try:
        os.execvp(arguments[0], arguments)
    except OSError as error:
        print(f"cannot run {arguments[0]}: {error.strerror}", file=sys.stderr)
        return 127


def _run_module(module: str, words: Sequence[str]) -> int:
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    loaded = sys.modules[import_module(module)]
    main = getattr(loaded, "main", None)
    if main is not None:
        return _call(main, [loaded.__file__ or module, *words[3:]])
    sys.argv = [module, *words[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return 0


def _call(main: Callable[[], object], words: Sequence[str]) -> int:
    """Run a main function as the interpreter would, and return its exit code."""
    sys.argv = list(words)
    try:
        main()
    except SystemExit as leaving:
        if isinstance(leaving.code, str):
            print(leaving.code, file=sys.stderr)
            return 1
        return leaving.code or 0
    return 0


def _show_name(name: str) -> None:
    """Let `ps` and `top` show the part's name, where the system has a file for it."""
    try:
        Path("/proc/self/comm").write_text(name)
    except OSError:
        pass
