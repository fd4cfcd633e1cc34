"""What a compose file becomes on Docker, before anything is started."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from foundation.failure import USAGE, Failure
from foundation.state import State
from foundation.suggestions import unknown
from testbed.labels import Labels
from testbed.runtimes import ports
from testbed.runtimes.docker import host
from testbed.runtimes.docker.project import project_of
from testbed.runtimes.lifecycle import COMPOSE_FILE, PlannedPart, Wishes
from testbed.sitefile import LeftOut, SiteFile

_PORT_VARIABLE = re.compile(r"\$\{FAILWHALE_([A-Z_]+)_PORT\b")


@dataclass(frozen=True, kw_only=True)
class PlannedContainer(PlannedPart):
    """A service of the compose file, and what `up` will do with it."""

    labels: Labels
    compose_name: str
    image: str
    needs: tuple[str, ...]  # by their names in the compose file
    addresses: tuple[str, ...]  # published, host:port

    @property
    def service(self) -> str:
        return self.labels.service

    @property
    def place(self) -> str | None:
        return self.labels.place


@dataclass(frozen=True)
class DockerOutlook:
    """Implements testbed.runtimes.lifecycle.Outlook."""

    project: str
    file: Path
    all_parts: tuple[PlannedContainer, ...]
    left_out: tuple[LeftOut, ...]
    variables: Mapping[str, str]  # the ports that were chosen, to be kept

    @property
    def parts(self) -> tuple[PlannedContainer, ...]:
        gone = {row.part for row in self.left_out}
        return tuple(part for part in self.all_parts if part.name not in gone)

    @property
    def moved(self) -> tuple[()]:
        return ()

    @property
    def set_aside(self) -> None:
        return None

    @property
    def edges(self) -> dict[str, str]:
        """The address of each data centre for its users."""
        return {
            part.place: f"https://localhost:{part.addresses[0].rpartition(':')[2]}"
            for part in self.parts
            if part.service == "frontend" and part.place and part.addresses
        }

    @property
    def words(self) -> list[str]:
        """The options by which Compose knows this site."""
        # Ours is what it finds by itself, and then COMPOSE_FILE has its say.
        return [
            "--project-name",
            self.project,
            *(["--file", str(self.file)] if self.file != COMPOSE_FILE else []),
        ]


def look_ahead(state: State, wishes: Wishes, environment: Mapping[str, str]) -> DockerOutlook:
    """Have Compose read the file. What was chosen at the last `up` (ports above all) holds until it is chosen
    anew. Raises Failure for all that cannot be done."""
    if not wishes.file.exists():
        raise Failure(f"there is no {wishes.file}", "name another with --file", USAGE)
    chosen = _variables_of(wishes)
    previous = SiteFile.read_if_made(state)
    before = previous.variables if previous else {}
    kept = {name: value for name, value in before.items() if name not in environment} | chosen
    bare = DockerOutlook(project_of(state), wishes.file, (), (), kept)
    content = json.loads(host.compose(*bare.words, "config", "--format", "json", environment=kept))
    parts = tuple(_part(name, service) for name, service in sorted(content["services"].items()))
    outlook = replace(bare, all_parts=parts, left_out=_left_out(parts, wishes.without))
    ports.refuse_twins(
        (part.place or part.service, address.rpartition(":")[2])
        for part in outlook.parts
        for address in part.addresses
    )
    return outlook


def _variables_of(wishes: Wishes) -> dict[str, str]:
    known = [name.lower() for name in dict.fromkeys(_PORT_VARIABLE.findall(wishes.file.read_text()))]
    for name in wishes.ports:
        if name not in known:
            raise Failure(f"no port is named {name!r}", f"ports: {', '.join(sorted(known)) or 'none'}", USAGE)
    return {f"FAILWHALE_{name.upper()}_PORT": str(port) for name, port in wishes.ports.items()}


def _part(compose_name: str, service: Mapping[str, Any]) -> PlannedContainer:
    labels = Labels.of(service.get("labels") or {}, compose_name)
    return PlannedContainer(
        name=labels.name,
        labels=labels,
        compose_name=compose_name,
        image=service.get("image", ""),
        needs=tuple(service.get("depends_on") or ()),
        addresses=tuple(
            f"{port.get('host_ip', '0.0.0.0')}:{port['published']}"
            for port in service.get("ports", ())
            if port.get("published")
        ),
    )


def _left_out(parts: Sequence[PlannedContainer], without: frozenset[str]) -> tuple[LeftOut, ...]:
    names = [name for part in parts for name in (part.name, part.service)]
    for name in sorted(without):
        if name not in names:
            raise unknown("part", name, [part.name for part in parts])
    return tuple(
        LeftOut.of(part.labels, "as you said")
        for part in parts
        if part.name in without or part.service in without
    )
