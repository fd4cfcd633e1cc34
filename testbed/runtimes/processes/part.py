"""One part of the site in the supervisor's hands: started, watched, restarted, stopped."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from testbed.runtimes.ports import accepts
from testbed.runtimes.processes import deaths, health
from testbed.runtimes.processes.identity import Process
from testbed.runtimes.processes.launch import Launched, launch, module_of
from testbed.runtimes.processes.loop import Loop, Timer
from testbed.runtimes.processes.plan import Spec
from testbed.runtimes.processes.record import Remembered
from testbed.runtimes.processes.warm import Warm

Phase = Literal["waiting", "starting", "ready", "restarting", "done", "failed", "down"]
Then = Callable[[], None]

# How often to look whether a starting part listens (a look is cheap) and is healthy (a look is a process).
LISTENING_SECONDS = 0.02
HEALTHY_SECONDS = 0.05
HEALTHY_SECONDS_AT_MOST = 1.0
# A part that lived this long before it died is restarted as if it had never died before.
STEADY_SECONDS = 10.0
BACK_OFF_AT_MOST = 5.0
LAUNCH_AGAIN_SECONDS = 0.5


@dataclass(frozen=True)
class Crew:
    """What all parts share."""

    loop: Loop
    warm: Warm
    logs: Path
    save: Callable[[], None]  # keep on disk which processes run
    changed: Callable[[], None]  # a part's phase is another one
    note: Callable[[str], None]  # say something in the supervisor's own log


class SupervisedPart:
    """`remembered` is what would survive this supervisor; all else here is about the moment."""

    def __init__(self, spec: Spec, remembered: Remembered, crew: Crew) -> None:
        self.spec = spec
        self.remembered = remembered
        self.phase: Phase = "waiting"
        self.reason = ""
        self.ordered = False  # start without waiting for what it depends on
        self._crew = crew
        self._began = 0.0
        self._quick_deaths = 0
        self._next: Timer | None = None
        self._when_dead: list[Then] = []
        self._when_started: list[Then] = []

    @property
    def process(self) -> Process | None:
        """Its process, from the start until its death has been noticed."""
        return self.remembered.process

    @property
    def module(self) -> str | None:
        return module_of(self.spec.words)

    # --- coming up ---

    def settle(self) -> None:
        """Take up what an earlier supervisor left, or get ready to start."""
        if self.remembered.is_running():
            assert self.process is not None
            self._crew.note(f"{self.spec.name} runs already (pid {self.process.pid})")
            self._enter(self.process)
        else:
            self.remembered.process = None
            if self.remembered.done:
                self.phase = "done"
            elif not self.remembered.wanted:
                self.phase = "down"

    def can_launch(self) -> bool:
        """Whether the warm parent has what this part needs. A one-shot does not wait for the others'
        modules."""
        if self.module is None:
            return True
        return self._crew.warm.has(self.module) if self.spec.one_shot else self._crew.warm.is_ready

    def start(self, then: Then) -> None:
        """Start it, whatever it depends on, and call back when its process exists."""
        if self._when_dead:  # it is being ended: first let it
            self._when_dead.append(lambda: self.start(then))
            return
        self.remembered.wanted = True
        if self.process is not None:
            then()
            return
        self._when_started.append(then)
        self._cancel_next()
        self._set("waiting")
        self.ordered = True
        self._crew.changed()

    def launch(self) -> None:
        """Start its process now; if the system refuses (no room for its log, no process left), soon again."""
        self._cancel_next()
        try:
            launched = self._launched()
        except OSError as error:
            self._set("restarting", f"cannot be started: {error}")
            self._next = self._crew.loop.after(LAUNCH_AGAIN_SECONDS, self.launch)
            return
        self.ordered = False
        self._enter(launched.process)
        self._crew.save()
        launched.release()
        self._call(self._when_started)

    def _launched(self) -> Launched:
        log = os.open(
            self._crew.logs / f"{self.spec.name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644
        )
        try:
            return launch(self.spec.words, self.spec.environment, self.spec.folder, log, name=self.spec.name)
        finally:
            os.close(log)

    def _enter(self, process: Process) -> None:
        self.remembered.process = process
        self._began = time.monotonic()
        self._set("starting")
        deaths.watch(self._crew.loop, process, self._died)
        self._await_ready(process, HEALTHY_SECONDS)

    def _await_ready(self, process: Process, pause: float) -> None:
        if self.process is not process or self.phase != "starting":
            return

        def again(seconds: float, next_pause: float) -> None:
            self._crew.loop.after(seconds, lambda: self._await_ready(process, next_pause))

        def checked(healthy: bool, said: str) -> None:
            if self.process is not process:
                return
            if healthy:
                self._set("ready")
                self._crew.changed()
            else:
                self.reason = said
                again(pause, min(pause * 1.5, HEALTHY_SECONDS_AT_MOST))

        if not self._listens():
            self.reason = "does not listen yet"
            patience = LISTENING_SECONDS if time.monotonic() - self._began < STEADY_SECONDS else 0.5
            again(patience, pause)
        elif process.is_paused() or (not self._crew.warm.is_ready and self._check_module() is not None):
            again(HEALTHY_SECONDS, pause)
        else:
            self.check(5.0, checked)

    def _check_module(self) -> str | None:
        return module_of(self.spec.health.words) if self.spec.health else None

    def _listens(self) -> bool:
        if self.spec.main is None:
            return True
        host, _, port = self.spec.addresses[self.spec.main].rpartition(":")
        return accepts(host, int(port))

    def check(self, limit: float, then: Callable[[bool, str], None]) -> None:
        """Run its health check once. Without one, it is well while it runs and listens."""
        if self.spec.health is None:
            listens = self._listens()
            then(listens, "" if listens else "does not listen")
        else:
            spec = self.spec
            health.check(self._crew.loop, self.spec.health, spec.environment, spec.folder, limit, then)

    # --- going down ---

    def kill(self, then: Then) -> None:
        """SIGKILL, and no restart. Calls back when it is dead."""
        self._end(signal.SIGKILL, then)

    def stop(self, then: Then) -> None:
        """Stop it as the compose file says, and no restart. Calls back when it is dead."""
        process = self.process
        self._end(signal.Signals[self.spec.stop_signal], then)
        if process is not None:
            process.signal(signal.SIGCONT)
            self._crew.loop.after(self.spec.stop_grace_period, lambda: self._lose_patience(process))

    def restart(self, then: Then) -> None:
        """Stop it, and start it again. A supervisor that comes after this one starts it, too."""
        self.stop(lambda: self.start(then))
        self.remembered.wanted = True
        self._crew.save()

    def _lose_patience(self, process: Process) -> None:
        if self.process is process:
            process.signal(signal.SIGKILL)

    def _end(self, number: signal.Signals, then: Then) -> None:
        self.remembered.wanted = False
        self.ordered = False
        self._cancel_next()
        self._crew.save()
        if self.process is None:
            self._set("down")
            then()
        else:
            self._when_dead.append(then)
            self.process.signal(number)

    def _died(self, code: int | None) -> None:
        lived = time.monotonic() - self._began
        self.remembered.process = None
        if not self.remembered.wanted or self._when_dead:  # by order
            self._set("down")
        elif self.spec.one_shot and code == 0:
            self.remembered.done = True
            self._set("done")
        elif self._may_restart(code):
            self.remembered.restarts += 1
            self._quick_deaths = 0 if lived >= STEADY_SECONDS else self._quick_deaths + 1
            self._set("restarting", _spell_death(code))
            self._next = self._crew.loop.after(self._back_off(), self.launch)
        else:
            self._set("failed", _spell_death(code))
        self._crew.save()
        self._call(self._when_dead)
        self._crew.changed()

    def _may_restart(self, code: int | None) -> bool:
        policy, limit = self.spec.restart, self.spec.restart_limit
        if policy == "on-failure":
            return code != 0 and (limit is None or self.remembered.restarts < limit)
        return policy != "no"

    def _back_off(self) -> float:
        """None after a first death; then longer and longer, for a part that dies as soon as it lives."""
        if self._quick_deaths <= 1:
            return 0.0
        return min(0.1 * 2.0 ** (self._quick_deaths - 2), BACK_OFF_AT_MOST)

    # --- freezing ---

    def pause(self) -> None:
        """SIGSTOP; on return the kernel has stopped it."""
        if self.process is not None:
            self.process.signal(signal.SIGSTOP)
            self._wait_paused(self.process, True)

    def resume(self) -> None:
        """SIGCONT; on return it goes on. Nothing happens to a part that is not paused."""
        if self.process is not None:
            self.process.signal(signal.SIGCONT)
            self._wait_paused(self.process, False)

    @staticmethod
    def _wait_paused(process: Process, paused: bool) -> None:
        """The kernel takes microseconds, but not none."""
        end = time.monotonic() + 0.2
        while process.is_alive() and process.is_paused() != paused and time.monotonic() < end:
            time.sleep(0.001)

    # --- small things ---

    def _set(self, phase: Phase, reason: str = "") -> None:
        if phase != self.phase:
            self._crew.note(f"{self.spec.name} {phase}{': ' + reason if reason else ''}")
        self.phase = phase
        self.reason = reason

    def _cancel_next(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None

    @staticmethod
    def _call(waiting: list[Then]) -> None:
        callbacks = waiting.copy()
        waiting.clear()
        for callback in callbacks:
            callback()


def _spell_death(code: int | None) -> str:
    if code is None:
        return "died"
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"exited with code {code}"
