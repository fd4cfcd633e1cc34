"""site.json: what runs where, written by the runtime that carries the site and read by everybody else.

Imports only the standard library and the ground floor, since every command reads it.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from foundation.failure import BASELINE_NOT_MET, Failure
from foundation.state import State
from testbed.decoding import Misfit, decode
from testbed.labels import Kind, Labels

VERSION = 2
"""Of the form of the file. Another number for every change that an older or newer reader would mistake."""
_BEFORE_MADE_BY = 1
"""The form that did not say yet which failwhale had made the site; it is read as well."""

RuntimeName = Literal["processes", "docker"]

_ANOTHER_FOLDER = "choose another folder with --state"


class OtherForm(Failure):
    """The file was written by another version of failwhale, in a form that this one does not read."""


@dataclass(frozen=True)
class ContainerRecord:
    """What the controller's container knows of a part's container, as it is while nobody has hurt it."""

    id: str
    edge: str | None  # its public address inside Docker's networks
    public: str | None  # the same on the Docker host
    release: str | None
    limits: Mapping[str, int]
    networks: Mapping[str, tuple[str, ...]]  # its names on each


@dataclass(frozen=True)
class PartRecord:
    """One part, or one that runs once and ends."""

    name: str  # "post@east", "prometheus"
    service: str
    kind: Kind
    place: str | None
    compose_name: str  # "post-east"
    alive_path: str
    ready_path: str
    one_shot: bool
    main: str | None  # container port of its main listener: "8000"
    addresses: Mapping[str, str]  # container port -> host:port where it is reached by who reads this
    container: str | None = None  # its name, on Docker
    seen: ContainerRecord | None = None


@dataclass(frozen=True)
class LeftOut:
    """A part of the compose file that does not run, and why; `advice` is what that means, or how to
    have it."""

    part: str
    reason: str
    advice: str = ""

    @classmethod
    def of(cls, labels: Labels, reason: str, advice: str = "") -> LeftOut:
        """With what its labels say that this means."""
        return cls(labels.name, f"{reason}, so {labels.without}" if labels.without else reason, advice)


@dataclass(frozen=True)
class Description:
    """What `failwhale up` made the site from: a compose file, and the settings that hold until others are
    chosen."""

    file: str
    variables: Mapping[str, str]


@dataclass(frozen=True)
class SupervisorRecord:
    """The process that supervises: its pid and when it was created, in the system's own clock."""

    pid: int
    created: float


@dataclass(frozen=True)
class SetAside:
    """A key of the compose file that means something to containers only."""

    service: str
    key: str


@dataclass(frozen=True)
class ProcessesRecord:
    """What only a site of plain processes has. `supervisor` is None while it is down."""

    socket: str
    ports: Mapping[str, int]  # "post-east:8000" -> 20001, kept for the next start
    set_aside: tuple[SetAside, ...] = ()
    supervisor: SupervisorRecord | None = None


@dataclass(frozen=True)
class DockerRecord:
    """What only a site on Docker has. On the Docker host commands go `through` a container. In that one they
    go through nobody, and the networks (the engine's name of each) and the public addresses are known."""

    project: str
    engine: str
    through: str | None = None
    networks: Mapping[str, str] | None = None
    public: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class SiteFile:
    """All of it. Of `processes` and `docker` it has one."""

    version: int = VERSION
    made_by: str = ""  # the version of failwhale that made the site; empty: from before that was written
    edges: Mapping[str, str]  # https://host:port by data centre, for who reads this
    parts: tuple[PartRecord, ...]
    left_out: tuple[LeftOut, ...] = ()
    description: Description | None = None  # not in the controller's container: Compose has it
    processes: ProcessesRecord | None = None
    docker: DockerRecord | None = None

    # --- the file ---

    @classmethod
    def read(cls, state: State) -> SiteFile:
        """The site of a state folder, as its file has it now. Raises Failure when there is none, when the
        file is damaged, and OtherForm when another version wrote it."""
        return _read(_text(state), state.site_file)

    @classmethod
    def read_if_made(cls, state: State) -> SiteFile | None:
        """The same; None where no site was ever started."""
        return cls.read(state) if state.is_made else None

    @classmethod
    def of(cls, content: object, file: Path) -> SiteFile:
        """From the file's JSON. Raises Failure as `read` does."""
        if not isinstance(content, dict) or not content.keys() & {"version", "parts"}:
            raise Failure(f"{file} is not failwhale's", _ANOTHER_FOLDER)
        if content.get("version") not in (_BEFORE_MADE_BY, VERSION):
            raise _other_form(content, file)
        try:
            site = decode(cls, content)
        except Misfit as misfit:
            raise Failure(f"{file} is damaged: {misfit}", _ANOTHER_FOLDER) from None
        if (site.processes is None) == (site.docker is None):
            raise Failure(f"{file} is damaged: it must have one of processes and docker", _ANOTHER_FOLDER)
        return site

    def write(self, state: State) -> None:
        """Replace the file in one step: a reader sees the old site or the new one."""
        state.path.mkdir(parents=True, exist_ok=True)
        fresh = state.site_file.with_suffix(f".json.{os.getpid()}.{threading.get_ident()}")
        fresh.write_text(json.dumps(asdict(self), indent=1) + "\n")
        fresh.replace(state.site_file)

    # --- what carries it ---

    @property
    def runtime(self) -> RuntimeName:
        return "docker" if self.docker else "processes"

    @property
    def is_down(self) -> bool:
        """Whether it is known to have been taken down. Of one on Docker its engine knows that, and not this
        file; one whose processes are all dead is not: `heal` starts them again."""
        return self.processes is not None and self.processes.supervisor is None

    @property
    def is_seen_from_inside(self) -> bool:
        """Whether this is a container of the site, and not the machine that carries it."""
        return self.docker is not None and self.docker.through is None

    @property
    def as_processes(self) -> ProcessesRecord:
        """What a site of plain processes has. Raises Failure when it is none."""
        if self.processes is None:
            raise Failure("the site runs on Docker, and not as plain processes", "see: failwhale status")
        return self.processes

    @property
    def as_containers(self) -> DockerRecord:
        """What a site on Docker has. Raises Failure when it is none."""
        if self.docker is None:
            raise Failure("the site runs as plain processes, and not on Docker", "see: failwhale status")
        return self.docker

    # --- what is read of it again and again ---

    @property
    def variables(self) -> Mapping[str, str]:
        """The settings that were chosen at the last `up`."""
        return self.description.variables if self.description else {}

    @property
    def public(self) -> Mapping[str, str]:
        """The edges as they are reached from the machine that carries the site."""
        known = self.docker.public if self.docker else None
        return self.edges if known is None else known


def refuse_down(state: State) -> None:
    """Raise Failure (baseline not met) where no site is, or one that was taken down: what needs one says so
    at once, and asks nobody."""
    if not state.is_made:
        raise _absent(state)
    if SiteFile.read(state).is_down:
        raise down(state)


def down(state: State) -> Failure:
    """What is said of a site that was taken down."""
    return Failure(
        f"the site in {state.path} is not up", f"start it: failwhale up{state.option}", BASELINE_NOT_MET
    )


def _absent(state: State) -> Failure:
    return Failure(
        f"there is no site in {state.path}", f"start one: failwhale up{state.option}", BASELINE_NOT_MET
    )


def keep_what_ends_it(state: State) -> None:
    """Of a file from before there were versions, keep in today's form what is needed to end the site and to
    remove it. Nothing happens to any other file. Raises Failure when it does not say enough."""
    content = _content(_text(state), state.site_file)
    if not isinstance(content, dict) or "version" in content or "runtime" not in content:
        return
    file, socket = content.get("compose"), content.get("socket")
    processes: dict[str, Any] = {
        "socket": socket,
        "ports": {},
        "supervisor": content.get("supervisor"),
    }
    docker = {name: content.get(name) for name in ("project", "engine", "through")}
    remains: dict[str, Any] = {
        "version": VERSION,
        "edges": {},
        "parts": [],
        "description": {"file": file, "variables": content.get("variables", {})} if file else None,
        **({"docker": docker} if content["runtime"] == "docker" else {"processes": processes}),
    }
    SiteFile.of(remains, state.site_file).write(state)


@lru_cache(maxsize=4)
def _read(text: str, file: Path) -> SiteFile:
    """Nobody can change what is read, so the same text is decoded once: that takes some ten milliseconds,
    and a fault would come so much later. Raises Failure as `SiteFile.read` does."""
    return SiteFile.of(_content(text, file), file)


def _text(state: State) -> str:
    try:
        return state.site_file.read_text()
    except (FileNotFoundError, NotADirectoryError):
        raise _absent(state) from None
    except UnicodeError as error:
        raise Failure(f"{state.site_file} cannot be read: {error}", _ANOTHER_FOLDER) from None
    except OSError as error:
        raise state.unusable(error) from None


def _content(text: str, file: Path) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Failure(f"{file} cannot be read: {error}", _ANOTHER_FOLDER) from None


def _other_form(content: Mapping[str, object], file: Path) -> OtherForm:
    if "version" not in content:
        return OtherForm(
            f"{file} was written by an older failwhale, before the file had versions",
            "remove that site: failwhale down --purge; or choose another folder with --state",
        )
    return OtherForm(
        f"{file} was written by another failwhale: the file has version {content['version']!r:.20},"
        f" and this one reads version {VERSION}",
        "remove that site with the failwhale that made it: failwhale down --purge;"
        " or choose another folder with --state",
    )
