"""The supervisor of a site of plain processes: `python -m testbed.runtimes.processes.supervisor STATE`.

One single-threaded process that imported the site's libraries once. It forks the Python parts, runs the
others, restarts what dies without an order, holds leases, and does what it is told over a Unix socket.
Killed and started again, it takes up what it finds running.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast, get_args

from foundation.failure import USAGE, Failure
from foundation.state import State
from foundation.suggestions import unknown
from testbed.runtimes import Undo
from testbed.runtimes.processes import programs, sitefile
from testbed.runtimes.processes.control import ControlSocket, Reply
from testbed.runtimes.processes.identity import Process, memory, sessions
from testbed.runtimes.processes.launch import module_of
from testbed.runtimes.processes.leases import Leases
from testbed.runtimes.processes.loop import Loop, Timer
from testbed.runtimes.processes.notes import note
from testbed.runtimes.processes.part import Crew, SupervisedPart
from testbed.runtimes.processes.plan import Spec, SupervisorPlan
from testbed.runtimes.processes.record import Lease, Remembered, read_parts, write_parts
from testbed.runtimes.processes.turns import Turns
from testbed.runtimes.processes.warm import Warm
from testbed.sitefile import SiteFile

# How long `status` waits for one health check: a paused part would never answer.
STATUS_SECONDS = 2.0
SAVE_AGAIN_SECONDS = 1.0

LIBRARIES = (
    "pydantic.main",
    "starlette.applications",
    "fastapi.applications",
    "redis.asyncio.client",
    "uvicorn.config",
)
"""Modules that take long to import, one after the other: in between it is seen that a store is ready, and the
next one is started. All of it in one go would take a third of a second."""


class Supervisor:
    def __init__(self, state: State) -> None:
        self._state = state
        self._lock = _lock(state.run)
        plan = SupervisorPlan.load(state.run / "plan.json")
        programs.write_links(state.run / "bin", plan.programs)
        self._warm = Warm(_modules(plan))
        self._loop = Loop(self._background)
        self._crew = Crew(self._loop, self._warm, state.logs, self._save, self._advance, note)
        remembered = read_parts(state.run)
        self._parts = {
            spec.name: SupervisedPart(spec, remembered.get(spec.name, Remembered()), self._crew)
            for spec in plan.specs
        }
        self._leases = Leases(self._loop, state.run, self._undo)
        self._turns = Turns(self._loop, self._process_of)
        self._going_down: list[Reply] = []
        self._save_again: Timer | None = None
        self._watch_signals()
        self._control = ControlSocket(
            self._loop, Path(SiteFile.read(state).as_processes.socket), self._handle
        )

    def run(self) -> None:
        """Until the site is down."""
        note(f"supervisor {os.getpid()} begins")
        self._name_itself()
        for part in self._parts.values():
            part.settle()
        for name, share in self._leases.starving().items():
            self._turns.begin(name, share)
        self._leases.take_up()
        self._advance()
        self._loop.run()

    def _name_itself(self) -> None:
        """So that commands know whether the site is up; without room they find it by its socket meanwhile."""
        try:
            sitefile.set_supervisor(self._state, Process.of(os.getpid()))
        except OSError as error:
            note(f"who supervises cannot be written down yet: {error}")
            self._loop.after(SAVE_AGAIN_SECONDS, self._name_itself)

    def _background(self) -> bool:
        more = self._warm.step()
        if not more:
            note("all modules are imported")
        self._advance()
        return more

    def _save(self) -> None:
        """Keep on disk which processes run. Where there is no room it is tried again: what runs goes on."""
        try:
            write_parts(self._state.run, {name: part.remembered for name, part in self._parts.items()})
        except OSError as error:
            note(f"what runs cannot be written down yet: {error}")
            if self._save_again is not None:
                self._save_again.cancel()
            self._save_again = self._loop.after(SAVE_AGAIN_SECONDS, self._save)

    # --- starting in order ---

    def _advance(self) -> None:
        """Start every part that waits and no longer has to."""
        if self._going_down:
            return
        for part in self._parts.values():
            if (
                part.phase == "waiting"
                and part.can_launch()
                and (part.ordered or not self._missing(part.spec))
            ):
                part.launch()

    def _missing(self, spec: Spec) -> list[str]:
        """What this part still waits for."""
        satisfied = {
            "service_started": ("starting", "ready", "done"),
            "service_healthy": ("ready",),
            "service_completed_successfully": ("done",),
        }
        return [
            name
            for name, condition in spec.needs.items()
            if name in self._parts and self._parts[name].phase not in satisfied[condition]
        ]

    # --- verbs ---

    def _handle(self, request: dict[str, Any], answer: Reply) -> None:
        verb = request.pop("verb")
        verbs: dict[str, Callable[..., None]] = {
            "progress": self._progress,
            "status": self._status,
            "arm": self._arm,
            "disarm": self._disarm,
            "kill": self._kill,
            "start": self._start,
            "stop": self._stop,
            "restart": self._restart,
            "pause": self._pause,
            "resume": self._resume,
            "starve": self._starve,
            "feed": self._feed,
            "complete": self._complete,
            "down": self._down,
        }
        if verb not in verbs:
            raise Failure(f"the supervisor knows no {verb!r}", f"it knows: {', '.join(verbs)}", USAGE)
        if self._going_down and verb not in ("progress", "down"):
            raise Failure("the site is going down", "start it again: failwhale up")
        verbs[verb](answer, **request)

    def _part(self, name: str) -> SupervisedPart:
        if name not in self._parts:
            raise unknown("part", name, self._parts)
        return self._parts[name]

    def _progress(self, answer: Reply) -> None:
        """How far each part is, without looking closer: cheap enough to be asked many times a second."""
        rows = []
        for part in self._parts.values():
            waits = self._missing(part.spec) if part.phase == "waiting" else []
            reason = f"waits for {', '.join(waits)}" if waits else part.reason
            rows.append({"name": part.spec.name, "phase": part.phase, "reason": reason})
        answer(rows)

    def _status(self, answer: Reply) -> None:
        """Every long-running part with its health as it is now; answered when the last check is in."""
        if not self._warm.is_ready:  # a check that had to import for itself would come too late
            self._loop.after(0.05, lambda: self._status(answer))
            return
        parts = [part for part in self._parts.values() if not part.spec.one_shot]
        healthy = dict.fromkeys((part.spec.name for part in parts), False)
        open_checks = {part.spec.name for part in parts if part.process and not self._is_paused(part)}

        def checked(name: str, well: bool, _said: str) -> None:
            healthy[name] = well
            open_checks.discard(name)
            if not open_checks:
                answer(self._rows(parts, healthy))

        if not open_checks:
            answer(self._rows(parts, healthy))
        for name in list(open_checks):
            self._parts[name].check(STATUS_SECONDS, partial(checked, name))

    def _rows(self, parts: list[SupervisedPart], healthy: dict[str, bool]) -> dict[str, Any]:
        processes = sessions()
        rows = []
        for part in parts:
            process = part.process
            rows.append(
                {
                    "name": part.spec.name,
                    "pid": process.pid if process else None,
                    "running": process is not None,
                    "paused": process is not None and self._is_paused(part),
                    "ready": healthy[part.spec.name],
                    "release": part.spec.release,
                    "memory_bytes": memory(processes.get(process.pid, [])) if process else None,
                    "restarts": part.remembered.restarts,
                }
            )
        return {"parts": rows, "supervisor": {"pid": os.getpid(), "memory_bytes": memory([os.getpid()])}}

    def _arm(self, answer: Reply, lease: str, part: str, undo: str, seconds: float) -> None:
        self._part(part)
        if undo not in get_args(Undo) or seconds <= 0:
            known = ", ".join(get_args(Undo))
            raise Failure(
                f"a lease undoes by one of {known}, after more than 0 s, not {undo!r} {seconds}", code=USAGE
            )
        self._leases.arm(lease, part, cast(Undo, undo), seconds)
        answer(None)

    def _disarm(self, answer: Reply, lease: str) -> None:
        self._leases.disarm(lease)
        answer(None)

    def _undo(self, lease: Lease) -> None:
        part = self._parts.get(lease.part)
        if part is None or self._going_down:
            return
        note(f"a lease on {lease.part} has run out")
        if lease.share is not None:
            self._turns.end(lease.part)
            return
        if lease.undo == "start":
            part.start(lambda: None)
        elif lease.undo == "resume":
            part.resume()
        elif part.process is not None:
            part.process.limit_files(Process.of(os.getpid()).most_files())

    def _kill(self, answer: Reply, part: str) -> None:
        self._part(part).kill(lambda: answer(None))

    def _start(self, answer: Reply, part: str) -> None:
        self._part(part).start(lambda: answer(None))

    def _stop(self, answer: Reply, part: str) -> None:
        self._part(part).stop(lambda: answer(None))

    def _restart(self, answer: Reply, part: str) -> None:
        self._part(part).restart(lambda: answer(None))

    def _pause(self, answer: Reply, part: str) -> None:
        self._part(part).pause()
        answer(None)

    def _resume(self, answer: Reply, part: str) -> None:
        self._part(part).resume()
        answer(None)

    def _starve(self, answer: Reply, lease: str, part: str, share: float, seconds: float) -> None:
        self._part(part)
        if not 0 < share < 1 or seconds <= 0:
            raise Failure(f"a part is left a share of a core for a while, not {share} {seconds}", code=USAGE)
        self._leases.arm(lease, part, "resume", seconds, share)
        self._turns.begin(part, share)
        answer(None)

    def _feed(self, answer: Reply, part: str) -> None:
        """The promise last: a supervisor that came after this one would not know that the part is stopped."""
        self._turns.end(self._part(part).spec.name)
        self._leases.disarm_starving(part)
        answer(None)

    def _is_paused(self, part: SupervisedPart) -> bool:
        """One that runs by turns is stopped most of the time, and not paused."""
        stopped = part.process is not None and part.process.is_paused()
        return stopped and part.spec.name not in self._turns

    def _process_of(self, name: str) -> Process | None:
        return self._parts[name].process if name in self._parts else None

    def _complete(self, answer: Reply) -> None:
        """Start what is down and should not be: parts that are new in the plan, or that were killed or
        stopped and are held by no lease. Answers with their names."""
        for spec in SupervisorPlan.load(self._state.run / "plan.json").specs:
            if spec.name not in self._parts:
                self._parts[spec.name] = SupervisedPart(spec, Remembered(), self._crew)
        missing = [
            part
            for part in self._parts.values()
            if part.process is None and part.phase != "done" and not self._leases.holds(part.spec.name)
        ]
        for part in missing:
            part.remembered.wanted = True
            part.phase = "waiting"
        answer([part.spec.name for part in missing])
        self._advance()

    # --- going down ---

    def _down(self, answer: Reply) -> None:
        """Stop everything: the instruments first, then users before what they use. Answers when nothing
        runs any more, and ends the supervisor."""
        self._going_down.append(answer)
        if len(self._going_down) > 1:
            return
        self._turns.end_all()
        for part in self._parts.values():
            if part.process is None:
                part.kill(lambda: None)  # so that nothing waits for its turn to start
        self._stop_next()

    def _stop_next(self) -> None:
        running = {name for name, part in self._parts.items() if part.process is not None}
        if not running:
            self._finish()
            return
        # What stands in no data centre measures or steers the rest, and must not see it go.
        instruments = {name for name in running if self._parts[name].spec.place is None}
        needed = {need for name in running for need in self._parts[name].spec.needs}
        layer = instruments or (running - needed) or running
        left = set(layer)

        def stopped(name: str) -> None:
            left.discard(name)
            if not left:
                self._stop_next()

        for name in layer:
            self._parts[name].stop(partial(stopped, name))

    def _finish(self) -> None:
        sitefile.set_supervisor(self._state, None)
        self._control.close()
        shutil.rmtree(self._state.run, ignore_errors=True)
        for answer in self._going_down:
            answer(None)
        self._loop.stop()

    def _watch_signals(self) -> None:
        """SIGTERM and SIGINT take the site down. They arrive as bytes in a socket, so that they are handled
        in turn."""
        out, into = os.pipe()
        os.set_blocking(out, False)
        os.set_blocking(into, False)
        signal.set_wakeup_fd(into)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

        def arrived() -> None:
            os.read(out, 100)
            self._down(lambda _: None)

        self._loop.watch(out, arrived)


def _modules(plan: SupervisorPlan) -> list[str]:
    """What to import, in the order in which it is needed: first what runs once before everything else."""
    once = [spec.words for spec in plan.specs if spec.one_shot]
    lasting = [spec for spec in plan.specs if not spec.one_shot]
    commands = [spec.words for spec in lasting] + [spec.health.words for spec in lasting if spec.health]
    modules = [*filter(None, map(module_of, commands))]
    return [*filter(None, map(module_of, once)), *(LIBRARIES if modules else ()), *modules]


def _lock(folder: Path) -> int:
    """One supervisor per site: the lock goes with the process, however it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    file = os.open(folder / "supervisor.lock", os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("another supervisor runs this site")
    return file


def main() -> None:
    state = State(sys.argv[1])
    state.logs.mkdir(parents=True, exist_ok=True)
    Supervisor(state).run()


if __name__ == "__main__":
    main()
