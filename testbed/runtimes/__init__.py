"""What may be asked of whatever runs the site: the same few verbs everywhere, and more by capability."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, Protocol

Undo = Literal["start", "resume"]


@dataclass(frozen=True)
class PartStatus:
    """One part as it is at this moment."""

    name: str
    service: str
    place: str | None
    role: str | None  # of a store: primary or replica, as Redis itself says
    pid: int | None  # of a plain process
    container: str | None
    address: str | None  # host:port of its main listener
    running: bool
    paused: bool
    ready: bool  # its health check passes now
    release: str | None
    memory_bytes: int | None  # proportional set size of the part and its children
    restarts: int  # deaths that nobody ordered since the site came up


@dataclass(frozen=True)
class Executed:
    """A command that was run in a part: its exit code, and what it said."""

    code: int
    output: str


class Runtime(Protocol):
    """What every runtime can do. Each verb is plain blocking code (from async: asyncio.to_thread), safe to
    repeat, and raises foundation.failure.Failure for an unknown part or when the runtime cannot be reached or
    started."""

    name: str  # "processes" or "docker"

    def status(self) -> list[PartStatus]:
        """All long-running parts. Runs their health checks once: up to 2 s when some do not answer."""

    def arm(self, lease: str, part: str, undo: Undo, seconds: float) -> None:
        """Promise that `undo` is done to the part in `seconds`, whoever is dead by then. Kept on disk.
        Arming the same lease again moves its limit. On Docker nothing is kept: the controller itself is
        restarted when it dies, and its journal is the promise."""

    def disarm(self, lease: str) -> None:
        """Take the promise back; nothing happens to the part. Unknown leases are no error."""

    def kill(self, part: str) -> None:
        """SIGKILL; the part is dead on return and stays down until `start`. (A death that nobody ordered is
        followed by a restart at once.)"""

    def start(self, part: str) -> None:
        """Start a part that is down; returns when its process exists, which is before it is ready."""

    def stop(self, part: str) -> None:
        """Stop as the compose file says (signal, grace period, SIGKILL); stays down until `start`."""

    def restart(self, part: str) -> None:
        """Stop it as the compose file says, and start it again, by one order that is carried out whatever
        becomes of who gave it. Returns when its new process exists. A part that is down is started."""

    def pause(self, part: str) -> None:
        """Freeze the part with all its children (SIGSTOP)."""

    def resume(self, part: str) -> None:
        """Let a paused part go on."""

    def is_running(self, part: str) -> bool:
        """Whether its process exists (a paused one does)."""

    def is_paused(self, part: str) -> bool:
        """Whether it is frozen now, as the kernel says."""


class Networks(Protocol):
    """Parts stand on networks that they can be taken off."""

    def cut(self, part: str, keep: Collection[str] = ()) -> None:
        """Take it off all its networks but those to `keep`, by their names in the compose file."""

    def join(self, part: str) -> None:
        """Put it back on all its networks, under the names it had there."""

    def is_cut(self, part: str) -> bool:
        """Whether it is off any network that it belongs to."""


class Limits(Protocol):
    """What a part may use is bounded, and the bound can be changed while it runs."""

    def limit(self, part: str, cpus: float | None = None, memory: int | None = None) -> None:
        """Allow it so many cores, so many bytes; what is None stays. Fewer bytes than it uses are refused, by
        kernels that do not end it instead."""

    def unlimit(self, part: str) -> None:
        """Give it back the limits that the compose file gives it."""

    def is_limited(self, part: str) -> bool:
        """Whether its limits are not those of the compose file."""

    def held_back(self, part: str) -> float:
        """Seconds for which the kernel has held it back from the processor since it started."""


class Exec(Protocol):
    """Commands can be run inside a part."""

    def execute(self, part: str, words: list[str]) -> Executed:
        """Run a command in it, and wait for its end."""
