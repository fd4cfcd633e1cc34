"""The runtime as everybody else sees it: verbs sent to the supervisor. If that is dead, another one is
started."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from foundation.failure import Failure
from foundation.state import State
from testbed.inventory import Inventory
from testbed.runtimes import PartStatus, Undo, Usage
from testbed.runtimes.processes import resp, sitefile
from testbed.runtimes.processes.identity import Process, usage_of
from testbed.runtimes.processes.record import Remembered, read_leases, read_parts
from testbed.sitefile import SiteFile, down

# A supervisor opens its socket before it imports anything large, but the machine may be busy.
START_SECONDS = 15.0
ANSWER_SECONDS = 60.0
ROLE_SECONDS = 0.3
LOOK_SECONDS = 0.002
"""Between two looks whether a process is stopped."""
# For glibc, in the supervisor and so in all that it forks: large blocks (a password hash takes 7 MB) go back
# to the system as soon as they are free, and threads share the arenas instead of having one each. Not so the
# 256 KiB that uvloop takes for each read of a TLS connection: to have them anew from the system costs more
# than half of what an exchange over TLS does.
MEMORY_SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": "327680",
    "MALLOC_TRIM_THRESHOLD_": "1048576",
    "MALLOC_ARENA_MAX": "2",
}
STORE_USER = "chaos"
ROLES = {"master": "primary", "slave": "replica"}


class Processes:
    """The site as plain processes. Implements testbed.runtimes.Runtime."""

    name = "processes"

    def __init__(self, state: State) -> None:
        self._state = state

    # --- the verbs of Runtime ---

    def status(self) -> list[PartStatus]:
        return self.status_with_supervisor()[0]

    def arm(self, lease: str, part: str, undo: Undo, seconds: float) -> None:
        self._ask("arm", lease=lease, part=part, undo=undo, seconds=seconds)

    def disarm(self, lease: str) -> None:
        self._ask("disarm", lease=lease)

    def kill(self, part: str) -> None:
        self._ask("kill", part=part)

    def start(self, part: str) -> None:
        self._ask("start", part=part)

    def stop(self, part: str) -> None:
        self._ask("stop", part=part)

    def restart(self, part: str) -> None:
        self._ask("restart", part=part)

    def reload(self, part: str) -> None:
        if (process := self._remembered(part).process) is not None:
            process.signal(signal.SIGHUP)

    def pause(self, part: str) -> None:
        self._ask("pause", part=part)

    def resume(self, part: str) -> None:
        self._ask("resume", part=part)

    def starve(self, lease: str, part: str, share: float, seconds: float) -> None:
        self._ask("starve", lease=lease, part=part, share=share, seconds=seconds)

    def feed(self, part: str) -> None:
        self._ask("feed", part=part)

    def limit_files(self, part: str, most: int) -> None:
        process = self._remembered(part).process
        if process is not None:
            process.limit_files(most)

    def allow_files(self, part: str) -> None:
        self.limit_files(part, self._usual_files())

    def lacks_files(self, part: str) -> bool:
        process = self._remembered(part).process
        return process is not None and 0 < process.most_files() < self._usual_files()

    def fill_disk(self, part: str) -> None:
        if (process := self._remembered(part).process) is not None:
            process.let_files_grow(False)

    def clear_disk(self, part: str) -> None:
        if (process := self._remembered(part).process) is not None:
            process.let_files_grow(True)

    def is_disk_full(self, part: str) -> bool:
        process = self._remembered(part).process
        return process is not None and not process.lets_files_grow()

    def _usual_files(self) -> int:
        """What the supervisor may have open, whose limits the parts inherit."""
        supervisor = sitefile.supervisor(self._state)
        return (supervisor and supervisor.most_files()) or Process.of(os.getpid()).most_files()

    def age(self, part: str) -> float:
        process = self._remembered(part).process
        if process is None or not process.is_alive():
            raise Failure(f"{part} is not running", "see: failwhale status")
        return process.age()

    def is_running(self, part: str) -> bool:
        return self._remembered(part).is_running()

    def is_paused(self, part: str) -> bool:
        process = self._remembered(part).process
        return process is not None and process.is_paused() and not self.is_starved(part)

    def is_starved(self, part: str) -> bool:
        name = Inventory.of(self._state).part(part).name
        leases = read_leases(self._state.run).values()
        return any(one.part == name and one.share is not None for one in leases)

    def held_back(self, part: str, meanwhile: Callable[[], None]) -> float:
        process, seconds = self._remembered(part).process, 0.0
        with ThreadPoolExecutor(1) as aside:
            work = aside.submit(meanwhile)
            while not work.done():
                began = time.monotonic()
                stopped = process is not None and process.is_paused()
                time.sleep(LOOK_SECONDS)
                seconds += time.monotonic() - began if stopped else 0.0
            work.result()
        return seconds

    def restarts(self, part: str) -> int:
        return self._remembered(part).restarts

    def usage(self, part: str) -> Usage:
        process = self._remembered(part).process
        used = None if process is None else usage_of(process)
        if used is None:
            raise Failure(f"{part} is not running", "see: failwhale status")
        return Usage(*used, memory_limit=None)

    def _role(self, addresses: Any) -> str | None:
        """What a Redis says that it is; None when it does not answer, or its passwords are not made yet."""
        host, _, port = next(iter(addresses.values())).rpartition(":")
        try:
            access = (STORE_USER, self._state.store_password)
            answer = resp.ask(host, int(port), ["ROLE"], access, timeout=ROLE_SECONDS)
        except (OSError, resp.ReplyError, Failure):
            return None
        return ROLES.get(str(answer[0])) if isinstance(answer, list) and answer else None

    # --- what only plain processes have ---

    def status_with_supervisor(self) -> tuple[list[PartStatus], dict[str, Any]]:
        """The parts, and `pid` and `memory_bytes` of the supervisor itself."""
        answer = self._ask("status")
        rows = {row["name"]: row for row in answer["parts"]}
        parts = [
            PartStatus(
                service=part.service,
                place=part.place,
                role=self._role(part.addresses)
                if part.kind == "store" and rows[part.name]["running"]
                else None,
                container=None,
                address=part.addresses.get(part.main) if part.main else None,
                **rows[part.name],
            )
            for part in Inventory.of(self._state).parts
        ]
        return parts, answer["supervisor"]

    def progress(self) -> list[dict[str, str]]:
        """`name`, `phase` and `reason` of every part, one-shots included, without checking anything:
        cheap."""
        rows = self._ask("progress")
        assert isinstance(rows, list)
        return rows

    def complete(self) -> list[str]:
        """Start whatever is down and held by no lease; returns the names."""
        names = self._ask("complete")
        assert isinstance(names, list)
        return names

    def down(self) -> None:
        """Stop everything, the supervisor last; returns when nothing runs any more."""
        self._ask("down")

    # --- asking ---

    def _remembered(self, part: str) -> Remembered:
        name = Inventory.of(self._state).part(part).name
        return read_parts(self._state.run).get(name, Remembered())

    def _ask(self, verb: str, **arguments: object) -> Any:
        request = json.dumps({"verb": verb, **arguments}).encode() + b"\n"
        try:
            answer = self._exchange(request)
        except ConnectionError:
            # It died while it worked. Every verb may be repeated, so the next supervisor is asked the same.
            answer = self._exchange(request)
        if "error" in answer:
            raise Failure(answer["error"], answer["next"], answer["code"])
        return answer["result"]

    def _exchange(self, request: bytes) -> dict[str, Any]:
        with self._connect() as connection:
            connection.settimeout(ANSWER_SECONDS)
            try:
                connection.sendall(request)
                line = connection.makefile("rb").readline()
            except TimeoutError:
                raise Failure(
                    f"the supervisor does not answer within {ANSWER_SECONDS:g} s",
                    f"see {self._state.logs / 'supervisor.log'}; failwhale down works without it",
                ) from None
        if not line.endswith(b"\n"):
            raise ConnectionResetError("the supervisor went away")
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer

    def _connect(self) -> socket.socket:
        path = SiteFile.read(self._state).as_processes.socket
        if connection := _dial(path):
            return connection
        supervisor = sitefile.supervisor(self._state)
        if supervisor is None:
            raise down(self._state)
        end = time.monotonic() + START_SECONDS
        # Who has just been started listens soon; another one would begin when that is down again.
        while supervisor.is_alive() and time.monotonic() < end:
            if connection := _dial(path):
                return connection
            time.sleep(0.01)
        start_supervisor(self._state)
        return wait_for_supervisor(self._state)


def start_supervisor(state: State) -> subprocess.Popen[bytes]:
    """Start a supervisor for the plan in the state folder. If one is there already, the new one ends at
    once."""
    # Without bytecode files its imports would take three times as long, and this is the one start that
    # imports.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    state.logs.mkdir(parents=True, exist_ok=True)
    described = SiteFile.read(state).description
    with open(state.logs / "supervisor.log", "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "testbed.runtimes.processes.supervisor", str(state.path)],
            cwd=None if described is None else Path(described.file).parent,
            env={**environment, **MEMORY_SETTINGS},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def wait_for_supervisor(state: State) -> socket.socket:
    """A connection to the supervisor as soon as it listens. Raises Failure when it does not come up."""
    end = time.monotonic() + START_SECONDS
    path = SiteFile.read(state).as_processes.socket
    while time.monotonic() < end:
        if connection := _dial(path):
            return connection
        time.sleep(0.01)
    raise Failure(
        f"the supervisor did not come up within {START_SECONDS:g} s", f"see {state.logs / 'supervisor.log'}"
    )


def _dial(path: str) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(path)
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    return connection
