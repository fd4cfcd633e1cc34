"""From a compose file to what shall run here: every address mapped to loopback, every path to this
machine."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from foundation.failure import USAGE, Failure
from foundation.state import State
from foundation.suggestions import unknown
from testbed.labels import Kind, Labels
from testbed.runtimes import ports
from testbed.runtimes.lifecycle import LEFT_OUT, Moved
from testbed.runtimes.processes import programs
from testbed.runtimes.processes.compose import Compose, Condition, Port, Service
from testbed.sitefile import LeftOut, PartRecord

# What a part gets to see of the caller's environment. A container would see none of it; a process needs
# these.
PASSED_ON = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER")


@dataclass(frozen=True)
class Health:
    """A command that succeeds when the part is well; times in seconds."""

    words: tuple[str, ...]
    timeout: float
    start_interval: float


@dataclass(frozen=True)
class Spec:
    """One part, ready to be started. Everything in it is plain data, so that it can be kept as JSON."""

    name: str
    service: str
    kind: Kind
    place: str | None
    compose_name: str
    alive_path: str
    ready_path: str
    words: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str
    health: Health | None
    needs: Mapping[str, Condition]  # by name of part
    restart: str
    restart_limit: int | None
    stop_signal: str
    stop_grace_period: float
    one_shot: bool
    main: str | None
    addresses: Mapping[str, str]

    @property
    def release(self) -> str | None:
        return self.environment.get("RELEASE")


@dataclass(frozen=True)
class SupervisorPlan:
    """Everything a supervisor needs to know."""

    specs: tuple[Spec, ...]
    programs: Mapping[str, str]

    def write(self, path: Path) -> None:
        """Keep it, in one step: a reader sees the old plan or the new one."""
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self), indent=1))
        fresh.rename(path)

    @classmethod
    def load(cls, path: Path) -> SupervisorPlan:
        raw = json.loads(path.read_text())
        return cls(tuple(_spec(row) for row in raw["specs"]), raw["programs"])


def _spec(row: dict[str, Any]) -> Spec:
    health = row.pop("health")
    if health is not None:
        health = Health(tuple(health.pop("words")), **health)
    return Spec(words=tuple(row.pop("words")), health=health, **row)


@dataclass(frozen=True)
class PlannedSite:
    """What becomes of a compose file: the plan, and what site.json says about it."""

    plan: SupervisorPlan
    edges: Mapping[str, str]
    ports: Mapping[str, int]  # "post-east:8000" -> 20001, to be remembered
    published: Mapping[str, tuple[str, int]]  # part -> where it wants to be reached from outside
    left_out: tuple[LeftOut, ...]
    moved: tuple[Moved, ...]

    def records(self) -> tuple[PartRecord, ...]:
        """The parts as site.json lists them."""
        return tuple(
            PartRecord(
                name=spec.name,
                service=spec.service,
                kind=spec.kind,
                place=spec.place,
                compose_name=spec.compose_name,
                alive_path=spec.alive_path,
                ready_path=spec.ready_path,
                one_shot=spec.one_shot,
                main=spec.main,
                addresses=spec.addresses,
            )
            for spec in self.plan.specs
        )


def make(
    compose: Compose,
    state: State,
    *,
    environment: Mapping[str, str],
    without: frozenset[str] = frozenset(),
    remembered: Mapping[str, int] | None = None,
    running_now: Collection[str] = (),
) -> PlannedSite:
    """Work out what runs where. `without` names parts (or services) to leave out; `remembered` are the
    ports of an earlier run, kept untested while parts of it are `running_now`. Raises Failure when a
    program is missing that is not optional, or `without` names nothing."""
    services = compose.services
    labels = {name: Labels.of(service.labels, name) for name, service in services.items()}
    names = {name: label.name for name, label in labels.items()}
    groups = {label.service for label in labels.values()}
    for name in sorted(without - set(names.values()) - groups):
        raise unknown("part", name, names.values())

    found: dict[str, str] = {}
    left_out: list[LeftOut] = []
    running: dict[str, Service] = {}
    for name, service in services.items():
        if not _is_active(service, environment):
            left_out.append(
                LeftOut.of(labels[name], f"profile {' or '.join(service.profiles)} is not chosen")
            )
        elif names[name] in without or labels[name].service in without:
            left_out.append(LeftOut.of(labels[name], "left out as asked"))
        elif service.is_container_only:
            left_out.append(LeftOut.of(labels[name], "runs in containers only"))
        elif missing := _missing_program(service, environment, found):
            if not labels[name].is_optional:
                raise Failure(f"{names[name]} needs {missing}, which is missing", programs.advice(missing))
            left_out.append(LeftOut.of(labels[name], f"{missing} is missing", programs.advice(missing)))
        else:
            running[name] = service

    possible = {
        name: service
        for name, service in services.items()
        if _is_active(service, environment) and not service.is_container_only
    }
    moved = {
        name: port
        for name, service in running.items()
        for port in service.ports
        if labels[name].is_optional and _must_move(name, port, remembered or {}, names[name] in running_now)
    }
    addresses = _Addresses(possible, state, remembered or {}, bool(running_now), moved)
    one_shots = {
        needed
        for service in running.values()
        for needed, condition in service.depends_on.items()
        if condition == "service_completed_successfully"
    }
    base = {name: environment[name] for name in PASSED_ON if name in environment}
    base["FAILWHALE_STATE"] = str(state.path)
    base["PATH"] = os.pathsep.join(
        [str(state.run / "bin"), str(Path(sys.executable).parent), base.get("PATH", os.defpath)]
    )
    absent = {names[name] for name in services if labels[name].is_optional and name not in running}
    specs = []
    for name, service in running.items():
        rewrite = addresses.rewriter(service, state)
        own = {str(port): addresses.reach(name, port) for port in _main_first(service, addresses.own[name])}
        specs.append(
            Spec(
                name=names[name],
                service=labels[name].service,
                kind=labels[name].kind,
                place=labels[name].place,
                compose_name=name,
                alive_path=labels[name].alive_path,
                ready_path=labels[name].ready_path,
                words=tuple(rewrite(word, is_word=True) for word in service.words),
                environment={**base, **_environment(service, rewrite, absent)},
                folder=_folder(compose, service, rewrite),
                health=_health(service, rewrite),
                needs={names[n]: c for n, c in service.depends_on.items() if n in running},
                restart=service.restart,
                restart_limit=service.restart_limit,
                stop_signal=_signal_name(compose, service),
                stop_grace_period=service.stop_grace_period,
                one_shot=name in one_shots,
                main=next(iter(own), None),
                addresses=own,
            )
        )
    published = {
        names[name]: (port.host, port.published)
        for name, service in running.items()
        for port in service.ports
        if name not in moved
    }
    return PlannedSite(
        plan=SupervisorPlan(tuple(specs), found),
        edges=_edges(running),
        ports=addresses.chosen,
        published=published,
        left_out=tuple(left_out),
        moved=tuple(
            Moved(names[name], port.published, addresses.reach(name, port.target))
            for name, port in moved.items()
        ),
    )


def _must_move(name: str, port: Port, remembered: Mapping[str, int], runs: bool) -> bool:
    """Whether an optional part goes without the port it wants. One that runs stays where it is."""
    if runs:
        return f"{name}:{port.target}" in remembered
    return not ports.is_free(port.host, port.published)


def _is_active(service: Service, environment: Mapping[str, str]) -> bool:
    chosen = environment.get("COMPOSE_PROFILES", "").split(",")
    return not service.profiles or any(profile in chosen for profile in service.profiles)


def _missing_program(service: Service, environment: Mapping[str, str], found: dict[str, str]) -> str | None:
    """Name of the first program the part needs and this machine lacks; the others are added to `found`. The
    label failwhale.program names what a start script will want to run."""
    needed = [service.words[0], *service.labels.get("failwhale.program", "").split()]
    for program in needed:
        if program in ("python", "python3") or "/" in program:
            continue
        path = programs.find(program, environment)
        if path is None:
            return program
        if program in programs.KNOWN:
            found[program] = path
    return None


def _signal_name(compose: Compose, service: Service) -> str:
    name = service.stop_signal if service.stop_signal.startswith("SIG") else f"SIG{service.stop_signal}"
    if name not in signal.Signals.__members__:
        raise Failure(
            f"{compose.path}, service {service.name}: {service.stop_signal!r} is no signal here", code=USAGE
        )
    return name


def _main_first(service: Service, own: list[int]) -> list[int]:
    """Its ports, what LISTEN names before the others."""
    main = service.environment.get("LISTEN", "").rpartition(":")[2]
    return sorted(own, key=lambda port: str(port) != main)


def _edges(services: Mapping[str, Service]) -> dict[str, str]:
    """The public HTTPS addresses: what a part publishes of its PUBLIC_LISTEN."""
    edges = {}
    for service in services.values():
        public = service.environment.get("PUBLIC_LISTEN", "").rpartition(":")[2]
        for port in service.ports:
            if str(port.target) == public:
                edges[service.labels.get("failwhale.place", service.name)] = (
                    f"https://localhost:{port.published}"
                )
    return edges


def _environment(service: Service, rewrite: Callable[..., str], absent: Collection[str]) -> Mapping[str, str]:
    """What the compose file says, told for this machine; and whoever asks for it is told which optional parts
    there are not, which only a plan knows."""
    told = {key: rewrite(text) for key, text in service.environment.items()}
    return {**told, LEFT_OUT: " ".join(sorted(absent))} if LEFT_OUT in told else told


def _health(service: Service, rewrite: Callable[..., str]) -> Health | None:
    check = service.healthcheck
    if check is None:
        return None
    words = tuple(rewrite(word, is_word=True) for word in check.words)
    return Health(words, check.timeout, check.start_interval)


def _folder(compose: Compose, service: Service, rewrite: Callable[..., str]) -> str:
    here = str(compose.path.absolute().parent)
    if service.working_dir is None:
        return here
    folder = rewrite(service.working_dir)
    if folder == service.working_dir and Path(folder).is_absolute():
        raise Failure(
            f"{compose.path}, service {service.name}: working_dir {folder} is in no volume of the service",
            "a plain process sees only this machine's folders: mount one there",
            USAGE,
        )
    return str(Path(here, folder))


class _Addresses:
    """Where each port of each service is on this machine, and the texts rewritten accordingly."""

    _LISTENS = re.compile(r"0\.0\.0\.0:(\d+)")

    def __init__(
        self,
        services: Mapping[str, Service],
        state: State,
        remembered: Mapping[str, int],
        keep_remembered: bool,
        moved: Collection[str],
    ) -> None:
        names = "|".join(sorted(map(re.escape, services), key=len, reverse=True))
        self._reference = re.compile(rf"(?<![\w.-])({names}):(\d+)(?!\d)")
        self.own: dict[str, list[int]] = {name: [] for name in services}
        self._published = {
            (name, port.target): (port.host, port.published)
            for name, service in services.items()
            for port in service.ports
            if name not in moved
        }
        for name, service in services.items():
            self._note(name, *(port.target for port in service.ports), *service.expose)
            for text in (*service.environment.values(), *service.words):
                self._note(name, *map(int, self._LISTENS.findall(text)))
                for other, port in self._reference.findall(text):
                    self._note(other, int(port))
        wanted = [
            f"{name}:{port}"
            for name, own in self.own.items()
            for port in own
            if (name, port) not in self._published
        ]
        taken = [published for _, published in self._published.values()]
        self.chosen = ports.allocate(wanted, remembered, taken, state.path, keep_remembered)

    def _note(self, service: str, *numbers: int) -> None:
        self.own[service].extend(
            number for number in dict.fromkeys(numbers) if number not in self.own[service]
        )

    def listen(self, service: str, port: int) -> str:
        """host:port that the service itself binds."""
        host, number = self._published.get((service, port)) or ("127.0.0.1", self.chosen[f"{service}:{port}"])
        return f"{host}:{number}"

    def reach(self, service: str, port: int) -> str:
        """host:port by which others on this machine reach it."""
        host, _, number = self.listen(service, port).rpartition(":")
        return f"{'127.0.0.1' if host == '0.0.0.0' else host}:{number}"

    def rewriter(self, service: Service, state: State) -> Callable[..., str]:
        """A function that rewrites one text of this service in one pass, so that nothing is rewritten
        twice."""
        own = set(self.own[service.name])
        folders = {
            mount.target: str(mount.source if isinstance(mount.source, Path) else state.volume(mount.source))
            for mount in service.mounts
        }
        targets = "|".join(sorted(map(re.escape, folders), key=len, reverse=True)) or "(?!)"
        pattern = re.compile(
            rf"(?P<reference>{self._reference.pattern})"
            rf"|(?<![\w.-])(?P<self>0\.0\.0\.0|127\.0\.0\.1|localhost):(?P<port>\d+)(?!\d)"
            rf"|(?<![\w/.-])(?P<folder>{targets})(?=/|$|[^\w.-])"
        )

        def replace(match: re.Match[str]) -> str:
            if match["reference"]:
                other, _, port = match["reference"].rpartition(":")
                return self.reach(other, int(port))
            if match["folder"]:
                return folders[match["folder"]]
            port = int(match["port"])
            if port not in own:
                return match.group()
            return (
                self.listen(service.name, port)
                if match["self"] == "0.0.0.0"
                else self.reach(service.name, port)
            )

        def rewrite(text: str, is_word: bool = False) -> str:
            # A whole word of a command that is one of the part's own ports means that port: `redis-cli -p
            # 6379`.
            if is_word and text.isdigit() and int(text) in own:
                return self.reach(service.name, int(text)).rpartition(":")[2]
            return pattern.sub(replace, text)

        return rewrite
