"""A site's beginning and end: what every runtime can be asked, and what it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from foundation.state import State
from testbed.runtimes import PartStatus
from testbed.sitefile import LeftOut

COMPOSE_FILE = Path(__file__).parents[2] / "docker-compose.yml"
"""The description of our own site."""

LEFT_OUT = "LEFT_OUT"
"""The variable by which a part is told which optional parts this site has not, by their names."""


@dataclass(frozen=True)
class Wishes:
    """What `up` was asked for: `ports` by the edge's name ("east"), `without` by part or service."""

    file: Path = COMPOSE_FILE
    ports: Mapping[str, int] = field(default_factory=dict)
    without: frozenset[str] = frozenset()


# --- before anything is started ---


@dataclass(frozen=True, kw_only=True)
class PlannedPart:
    """A part that will be started: from a command, or from an image."""

    name: str  # post@east
    addresses: Mapping[str, str] | tuple[str, ...]  # host:port; by port, where all are known
    command: tuple[str, ...] | None = None
    image: str | None = None


@dataclass(frozen=True)
class Moved:
    """An optional part whose public port somebody else holds, and where it is instead (host:port)."""

    part: str
    wanted: int
    address: str


class Outlook(Protocol):
    """What a compose file will become, before anything is started."""

    @property
    def parts(self) -> Sequence[PlannedPart]: ...

    @property
    def left_out(self) -> Sequence[LeftOut]: ...

    @property
    def moved(self) -> Sequence[Moved]: ...

    @property
    def set_aside(self) -> Sequence[tuple[str, str]] | None:
        """The service and the key of all that means nothing here; None where every key has its meaning."""

    @property
    def project(self) -> str | None:
        """Of Docker Compose, if it is asked."""


# --- while it starts, and afterwards ---


class StartListener:
    """Is told how a start goes, in the order in which it happens. This one does nothing about it."""

    @property
    def is_quiet(self) -> bool:
        """Whether nothing of it is shown, so that nothing else that is no failure should be either."""
        return True

    def say(self, line: str) -> None:
        """A step that this runtime alone takes, in words."""

    def note(self, line: str) -> None:
        """How far it is now, in words."""

    def already_up(self, missing: Sequence[str]) -> None:
        """The site runs; only these parts of it do not, and are started."""

    def left_out(self, row: LeftOut) -> None:
        """This part does not run."""

    def moved(self, row: Moved) -> None:
        """This part is elsewhere."""

    def ready(self) -> None:
        """All parts are."""

    def green(self) -> None:
        """All journeys are; never told where there is no prober."""


SILENT = StartListener()


@dataclass(frozen=True)
class SupervisorStatus:
    """The process that watches over plain processes."""

    pid: int
    memory_bytes: int


@dataclass(frozen=True)
class Standing:
    """A site as it is now. `supervisor` is None where none of ours is needed."""

    parts: Sequence[PartStatus]
    supervisor: SupervisorStatus | None = None


@dataclass(frozen=True)
class Ended:
    """What an end found running, and what it could not remove: each with its reason, for a person."""

    was_up: bool
    kept: Sequence[str] = ()


Seen = TypeVar("Seen", bound=Outlook)
"""What a runtime sees ahead has more to it than others need to know: it gets back what it gave."""


class Lifecycle(ABC, Generic[Seen]):
    """Of one site on one runtime. Every method raises Failure when the runtime cannot be used."""

    def __init__(self, state: State) -> None:
        self._state = state

    @abstractmethod
    def look_ahead(self, wishes: Wishes, environment: Mapping[str, str]) -> Seen:
        """Read the file and work out what it becomes; starts and writes nothing. What was chosen at the last
        `up` (ports above all) holds until it is chosen anew. Raises Failure for all that cannot be done."""

    @abstractmethod
    def is_up(self) -> bool:
        """Whether anything of the site runs."""

    @abstractmethod
    def start(self, outlook: Seen, was_up: bool, within: float, listener: StartListener) -> None:
        """Start what does not run (all of it, or what is missing if the site `was_up`), and wait until every
        part is ready and then every journey green, for `within` seconds; what a runtime must make or fetch
        before anything runs does not count. Raises Failure that names what is not, and how to go on; and
        SystemExit when what went wrong has been shown already."""

    @abstractmethod
    def look(self) -> Standing:
        """What runs, and how it is."""

    @abstractmethod
    def end(self, *, purge: bool = False) -> Ended:
        """Stop everything; with `purge` remove what the site keeps outside its state folder, too. No error
        when nothing runs."""
