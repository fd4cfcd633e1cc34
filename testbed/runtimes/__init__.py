"""What may be asked of whatever runs the site: the same few verbs everywhere, and more by capability."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

Undo = Literal["start", "resume", "allow-files"]


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


@dataclass(frozen=True)
class Usage:
    """What a part takes of the machine, as the kernel counts it."""

    cpu_seconds: float  # since it started
    memory_bytes: int
    memory_limit: int | None  # beyond which the kernel ends it; None: the machine is the limit


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

    def reload(self, part: str) -> None:
        """SIGHUP: have it read its configuration again. Nothing happens to a part that is down."""

    def pause(self, part: str) -> None:
        """Freeze the part with all its children (SIGSTOP)."""

    def resume(self, part: str) -> None:
        """Let a paused part go on."""

    def starve(self, lease: str, part: str, share: float, seconds: float) -> None:
        """Leave it this share of one core, for so many seconds at most. On plain processes that is kept as a
        lease is; on Docker as `arm` says."""

    def feed(self, part: str) -> None:
        """Give it back what it had of the processor; nothing happens to a part that is not starved."""

    def is_starved(self, part: str) -> bool:
        """Whether it gets less of the processor than the compose file gives it."""

    def held_back(self, part: str, meanwhile: Callable[[], None]) -> float:
        """Seconds for which the kernel kept it from the processor while `meanwhile` ran."""

    def limit_files(self, part: str, most: int) -> None:
        """Let its running process have so many files open at most; what is open beyond that stays open."""

    def allow_files(self, part: str) -> None:
        """Give it back the limit that it had; nothing happens to a part that has it, or that is down."""

    def lacks_files(self, part: str) -> bool:
        """Whether its limit of open files is lower than that of its container, or of the supervisor."""

    def fill_disk(self, part: str) -> None:
        """Have every write of its process fail that makes a file longer. Its next process is free of that."""

    def clear_disk(self, part: str) -> None:
        """Let it write again."""

    def is_disk_full(self, part: str) -> bool:
        """Whether that is so now, as the kernel says; false where there is no process."""

    def age(self, part: str) -> float:
        """Seconds since its process began. Raises Failure for one that is down."""

    def is_running(self, part: str) -> bool:
        """Whether its process exists (a paused one does)."""

    def is_paused(self, part: str) -> bool:
        """Whether it is frozen now, as the kernel says."""

    def restarts(self, part: str) -> int:
        """How often it has died without an order, and was started again."""

    def usage(self, part: str) -> Usage:
        """What a part that runs takes now. Raises Failure for one that is down."""


class Networks(Protocol):
    """Parts stand on networks that they can be taken off."""

    def cut(self, part: str, keep: Collection[str] = ()) -> None:
        """Take it off all its networks but those to `keep`, by their names in the compose file."""

    def join(self, part: str) -> None:
        """Put it back on all its networks, under the names it had there."""

    def is_cut(self, part: str) -> bool:
        """Whether it is off any network that it belongs to."""


class Packets(Protocol):
    """What the kernel does to the packets of a part."""

    def disturb(self, part: str, wanted: Mapping[str, float]) -> None:
        """Have them lost (`loss`), slowed down to a rate (`bandwidth`), and so on. Raises Failure, also where
        the kernel cannot do it."""

    def try_netem(self, part: str) -> None:
        """Raise Failure where the kernel has no netem, without which packets can only be lost, or slowed down
        to a rate."""

    def leave_alone(self, part: str) -> None:
        """Let them go as ever; nothing happens where they do."""

    def are_disturbed(self, part: str) -> bool:
        """Whether that was asked for since the part started, and not taken back."""


class Exec(Protocol):
    """Commands can be run inside a part."""

    def execute(self, part: str, words: list[str]) -> Executed:
        """Run a command in it, and wait for its end."""
