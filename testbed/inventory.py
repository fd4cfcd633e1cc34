"""What the site consists of and where it listens, as the runtime wrote it to site.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from foundation.failure import Failure
from foundation.state import State
from foundation.suggestions import unknown
from testbed.labels import ALIVE_PATH, READY_PATH, Kind
from testbed.sitefile import SiteFile


@dataclass(frozen=True)
class Part:
    """One long-running part of the site."""

    name: str  # "post@east", "prometheus"
    service: str
    place: str | None
    compose_name: str  # "post-east"
    main: str | None  # container port of its main listener: "8000"
    addresses: Mapping[str, str]  # container port -> host:port where it can be reached from this machine
    kind: Kind = "service"
    alive_path: str = ALIVE_PATH
    ready_path: str = READY_PATH

    @property
    def is_instrument(self) -> bool:
        """Whether it measures the site, or breaks it, and serves nobody."""
        return self.kind in ("controller", "instrument", "page")

    @property
    def relaying(self) -> str:
        """Of a link: the container port where what it relays comes in."""
        return next((port for port in self.addresses if port != self.main), "main")

    def address(self, port: str = "main") -> tuple[str, int]:
        """Where to connect. `port` is a container port ("8000") or "main". Raises Failure for any other."""
        wanted = self.main if port == "main" else port
        if wanted is None or wanted not in self.addresses:
            known = ", ".join(sorted(self.addresses)) or "none"
            raise Failure(f"{self.name} has no port {port!r}", f"its ports: {known}")
        host, _, number = self.addresses[wanted].rpartition(":")
        return host, int(number)


@dataclass(frozen=True)
class Inventory:
    """The parts of one site in the order of the compose file, and its public edges."""

    parts: tuple[Part, ...]
    edges: Mapping[str, str]

    @classmethod
    def of(cls, state: State | Path) -> Inventory:
        """Read it from a state folder. Raises Failure when no site is there."""
        site = SiteFile.read(state if isinstance(state, State) else State(state))
        parts = tuple(
            Part(
                name=row.name,
                service=row.service,
                place=row.place,
                compose_name=row.compose_name,
                main=row.main,
                addresses=row.addresses,
                kind=row.kind,
                alive_path=row.alive_path,
                ready_path=row.ready_path,
            )
            for row in site.parts
            if not row.one_shot
        )
        return cls(parts, site.edges)

    def part(self, name: str) -> Part:
        """The part of this name. Raises Failure that lists what exists."""
        for part in self.parts:
            if part.name == name:
                return part
        raise unknown("part", name, (part.name for part in self.parts))

    def address(self, name: str, port: str = "main") -> tuple[str, int]:
        """Host and port of a part's listener."""
        return self.part(name).address(port)
