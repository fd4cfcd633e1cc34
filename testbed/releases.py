"""What each part of a site was told to run, and the road by which that is changed: one at a time."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from foundation.clock import stamp
from foundation.failure import Failure
from foundation.state import State
from foundation.user import user
from foundation.version import VERSION
from services.platform.injection import from_start
from services.platform.injection.spec import FaultSpec
from services.platform.release import ReleaseError, tell, told

LOCK = "roll-out.lock"


class Releases:
    """Of one site."""

    def __init__(self, state: State) -> None:
        self._folder = state.releases

    # --- what a part was told ---

    def told(self, part: str) -> tuple[str, ...]:
        """The releases that it was told to run, the present one last; never empty. Raises Failure when that
        cannot be read."""
        try:
            return told(self._folder, part) or (VERSION,)
        except ReleaseError as error:
            raise Failure(str(error), "tell it anew: failwhale release roll-out VERSION PART") from None

    def told_last(self, part: str) -> str:
        """The one that it is to run now. Raises Failure like `told`."""
        return self.told(part)[-1]

    def tell(self, part: str, versions: Sequence[str]) -> None:
        """Raises Failure when that cannot be written."""
        try:
            tell(self._folder, part, versions)
        except OSError as error:
            raise Failure(f"{part} cannot be told its release: {error}") from None

    # --- what else it begins with ---

    def told_faults(self, part: str) -> dict[str, FaultSpec]:
        """The faults that a part begins with from its next start on, by their ids."""
        return from_start.told(self._folder, part)

    def tell_fault(self, part: str, identifier: str, fault: FaultSpec) -> None:
        """Raises Failure when that cannot be written."""
        try:
            from_start.tell(self._folder, part, identifier, fault)
        except OSError as error:
            raise Failure(f"{part} cannot be told what to begin with: {error}") from None

    def forget_fault(self, part: str, identifier: str) -> None:
        from_start.forget(self._folder, part, identifier)

    # --- the road ---

    @contextmanager
    def road(self, what: str) -> Iterator[None]:
        """Have the road to oneself. Raises Failure when somebody has it who is at work, or of whom nobody
        here can say whether they still are. Who died on it here is no obstacle."""
        with self._describe(user(), what, socket.gethostname()) as mine:
            while not self._put(mine):
                if obstacle := self.obstacle():
                    raise Failure(
                        f"nothing can be rolled out or back: {obstacle}",
                        "wait for its end; or, if you know that it never will: failwhale release unlock",
                    )
                self.clear()
            try:
                yield
            finally:
                self.clear()

    def obstacle(self) -> str:
        """Who is on the road, for people; empty when it is free."""
        try:
            file = self._lock.open()
        except FileNotFoundError:
            return ""
        with file:
            holder = json.loads(file.read())
            if holder["machine"] == socket.gethostname() and _is_let_go(file):
                return ""
        return f"{holder['by']} on {holder['machine']} is at a {holder['what']} since {holder['since']}"

    def block(self, by: str, what: str, machine: str) -> None:
        """Leave what is there when somebody on another machine has died half-way."""
        with self._describe(by, what, machine) as file:
            self._put(file)

    def is_blocked(self, machine: str) -> bool:
        """Whether somebody on that machine is on it."""
        try:
            return bool(json.loads(self._lock.read_text())["machine"] == machine)
        except FileNotFoundError:
            return False

    def clear(self) -> None:
        """Whoever is on the road is taken for gone."""
        self._lock.unlink(missing_ok=True)

    @property
    def _lock(self) -> Path:
        return self._folder / LOCK

    @contextmanager
    def _describe(self, by: str, what: str, machine: str) -> Iterator[IO[str]]:
        """A file that says who it is, held for as long as it is open: no longer than whoever opened it
        lives."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=self._folder, prefix=f"{LOCK}.") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            json.dump({"by": by, "what": what, "machine": machine, "since": stamp(time.time())}, file)
            file.flush()
            yield file.file

    def _put(self, mine: IO[str]) -> bool:
        """Put the description where all look. Whether none was there."""
        try:
            os.link(mine.name, self._lock)
        except FileExistsError:
            return False
        return True


def _is_let_go(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
