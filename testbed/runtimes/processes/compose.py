"""docker-compose.yml as plain processes need it. What is not understood is refused by name, never
skipped."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from foundation.failure import USAGE, Failure
from testbed.runtimes.interpolation import interpolate

Condition = Literal["service_started", "service_healthy", "service_completed_successfully"]
CONDITIONS = ("service_started", "service_healthy", "service_completed_successfully")

# Keys that only mean something to containers. A plain process behaves the same without them, so they are
# ignored (and can be listed); any key that is neither here nor read below is refused.
CONTAINER_ONLY = {
    *(
        "annotations",
        "build",
        "cap_add",
        "cap_drop",
        "container_name",
        "cpu_count",
        "cpu_percent",
        "cpu_quota",
    ),
    *(
        "cpu_shares",
        "cpus",
        "cpuset",
        "develop",
        "dns",
        "dns_opt",
        "domainname",
        "hostname",
        "image",
        "init",
        "ipc",
        "logging",
    ),
    *(
        "mem_limit",
        "mem_reservation",
        "mem_swappiness",
        "memswap_limit",
        "network_mode",
        "networks",
        "oom_kill_disable",
    ),
    *("oom_score_adj", "pids_limit", "platform", "pull_policy", "read_only", "security_opt", "shm_size"),
    *("stdin_open", "sysctls", "tmpfs", "tty", "ulimits", "user"),
}
DEPLOY_CONTAINER_ONLY = {
    *("endpoint_mode", "labels", "placement", "resources", "rollback_config", "update_config")
}
TOP_LEVEL_CONTAINER_ONLY = {"networks", "version"}
# A container gets the engine's socket there; to a plain process it means nothing, and may not exist.
ENGINE_SOCKET = "/var/run/docker.sock"


@dataclass(frozen=True)
class Healthcheck:
    """Times in seconds."""

    words: tuple[str, ...]
    timeout: float = 30.0
    start_interval: float = 5.0


@dataclass(frozen=True)
class Port:
    """One published port: where on this machine, and which port of the container it is."""

    host: str
    published: int
    target: int


@dataclass(frozen=True)
class Mount:
    """One volume: `source` is the name of a named volume or the path of a folder of this machine."""

    source: str | Path
    target: str


@dataclass(frozen=True)
class Service:
    """One service of the file, after merging and interpolation."""

    name: str
    words: tuple[str, ...]
    environment: Mapping[str, str]
    labels: Mapping[str, str]
    depends_on: Mapping[str, Condition]
    healthcheck: Healthcheck | None
    ports: tuple[Port, ...]
    expose: tuple[int, ...]
    mounts: tuple[Mount, ...]
    restart: str
    restart_limit: int | None
    stop_signal: str
    stop_grace_period: float
    profiles: tuple[str, ...]
    working_dir: str | None

    @property
    def is_container_only(self) -> bool:
        """Whether it needs what only its image has."""
        return self.labels.get("failwhale.runtime") == "docker"


@dataclass(frozen=True)
class Compose:
    """A compose file: its services, the variables it mentions, and what was ignored as container-only."""

    path: Path
    project: str
    services: Mapping[str, Service]
    variables: frozenset[str]
    set_aside: tuple[tuple[str, str], ...] = field(default=())  # (service or "the file", key)


def read(path: Path, variables: Mapping[str, str]) -> Compose:
    """Read a compose file. Raises Failure (usage) that names file, service and key of whatever cannot be
    honoured."""
    try:
        raw = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except FileNotFoundError:
        raise Failure(f"there is no {path}", "name another with --file", USAGE) from None
    except yaml.YAMLError as error:
        raise Failure(f"{path} is not YAML: {' '.join(str(error).split())}", code=USAGE) from None
    if not isinstance(raw, dict):
        raise Failure(f"{path} is not a compose file: it holds no mapping", code=USAGE)
    return _Reader(path, variables).compose(raw)


class _Reader:
    """Carries file, service and key along, so that every refusal can say where."""

    def __init__(self, path: Path, variables: Mapping[str, str]) -> None:
        self.path = path
        self.variables = variables
        self.used: set[str] = set()
        self.set_aside: list[tuple[str, str]] = []
        self.service_name = ""

    def refuse(self, what: str, next_step: str = "") -> Failure:
        where = f"{self.path}, service {self.service_name}" if self.service_name else str(self.path)
        return Failure(f"{where}: {what}", next_step, USAGE)

    def compose(self, raw: dict[str, Any]) -> Compose:
        for key in raw:
            if key in TOP_LEVEL_CONTAINER_ONLY:
                self.set_aside.append(("the file", key))
            elif key not in ("name", "services", "volumes") and not str(key).startswith("x-"):
                raise self.refuse(f"the key {key!r} cannot be honoured by plain processes")
        project = str(raw.get("name") or self.path.absolute().parent.name)
        services = self.mapping(raw.get("services"), "services")
        volumes = self.mapping(raw.get("volumes"), "volumes")
        for name, definition in volumes.items():
            for key in self.mapping(definition, f"volumes.{name}"):
                raise self.refuse(f"volume {name}: the key {key!r} cannot be honoured by plain processes")
        read = {name: self.service(name, body) for name, body in services.items()}
        self.service_name = ""
        for service in read.values():
            self.service_name = service.name
            for needed in service.depends_on:
                if needed not in read:
                    raise self.refuse(f"depends on {needed!r}, which is not in the file")
            for mount in service.mounts:
                if isinstance(mount.source, str) and mount.source not in volumes:
                    raise self.refuse(f"the volume {mount.source!r} is not declared at the top of the file")
        return Compose(self.path, project, read, frozenset(self.used), tuple(self.set_aside))

    def service(self, name: str, body: Any) -> Service:
        self.service_name = name
        raw = self.interpolated(self.mapping(body, name))
        take = dict(raw)
        for key in list(take):
            if key in CONTAINER_ONLY:
                self.set_aside.append((name, key))
                del take[key]
            elif key.startswith("x-"):
                del take[key]
        self.deploy(take.pop("deploy", None))
        entrypoint = self.words(take.pop("entrypoint", None), "entrypoint")
        command = self.words(take.pop("command", None), "command")
        restart, restart_limit = self.restart(take.pop("restart", "no"))
        service = Service(
            name=name,
            words=entrypoint + command,
            environment=self.environment(take.pop("environment", None)),
            labels=self.pairs(take.pop("labels", None), "labels"),
            depends_on=self.depends_on(take.pop("depends_on", None)),
            healthcheck=self.healthcheck(take.pop("healthcheck", None)),
            ports=tuple(self.port(port) for port in self.sequence(take.pop("ports", None), "ports")),
            expose=tuple(
                self.number(port, "expose") for port in self.sequence(take.pop("expose", None), "expose")
            ),
            mounts=self.mounts(take.pop("volumes", None)),
            restart=restart,
            restart_limit=restart_limit,
            stop_signal=str(take.pop("stop_signal", "SIGTERM")),
            stop_grace_period=self.seconds(take.pop("stop_grace_period", "10s"), "stop_grace_period"),
            profiles=tuple(str(profile) for profile in self.sequence(take.pop("profiles", None), "profiles")),
            working_dir=take.pop("working_dir", None),
        )
        for key in take:
            raise self.refuse(f"the key {key!r} cannot be honoured by plain processes")
        if not service.words and not service.is_container_only:
            raise self.refuse(
                "has neither command nor entrypoint, and a plain process has no image to take one from",
                "say what it runs, or that it is for containers: the label failwhale.runtime: docker",
            )
        return service

    # --- values ---

    def interpolated(self, value: Any) -> Any:
        if isinstance(value, str):
            try:
                return interpolate(value, self.variables, self.used)
            except Failure as failure:
                raise self.refuse(failure.message, failure.next_step) from None
        if isinstance(value, dict):
            return {str(key): self.interpolated(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.interpolated(item) for item in value]
        return value

    def mapping(self, value: Any, key: str) -> dict[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.refuse(f"{key} must be a mapping, not {value!r}")
        return {str(name): item for name, item in value.items()}

    def sequence(self, value: Any, key: str) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.refuse(f"{key} must be a list, not {value!r}")
        return value

    def number(self, value: Any, key: str) -> int:
        if not re.fullmatch(r"\d{1,5}", str(value)):
            raise self.refuse(f"{key}: {value!r} is not one port number")
        return int(value)

    def seconds(self, value: Any, key: str) -> float:
        units = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
        parts = re.findall(r"(\d+(?:\.\d+)?)(us|ms|s|m|h)", str(value))
        if not parts or "".join(number + unit for number, unit in parts) != str(value):
            raise self.refuse(f"{key}: {value!r} is not a duration such as 10s or 1m30s")
        return sum(float(number) * units[unit] for number, unit in parts)

    def words(self, value: Any, key: str) -> tuple[str, ...]:
        if value is None:
            return ()
        if isinstance(value, str):
            return tuple(shlex.split(value))
        return tuple(str(word) for word in self.sequence(value, key))

    def pairs(self, value: Any, key: str) -> dict[str, str]:
        """A mapping, or a list of NAME=value."""
        if isinstance(value, list):
            value = {
                name: text if equals else None
                for name, equals, text in (str(item).partition("=") for item in value)
            }
        result = {}
        for name, item in self.mapping(value, key).items():
            if isinstance(item, (dict, list)):
                raise self.refuse(f"{key}.{name} must be one value, not {item!r}")
            if item is None:
                # As with Compose, a name without a value hands on the caller's own, if there is one.
                if key == "environment" and name in self.variables:
                    self.used.add(name)
                    result[name] = self.variables[name]
                elif key != "environment":
                    result[name] = ""
            else:
                result[name] = str(item).lower() if isinstance(item, bool) else str(item)
        return result

    def environment(self, value: Any) -> dict[str, str]:
        """Its variables, but for the engine's address: only what is in a container is told of it."""
        given = self.pairs(value, "environment")
        of_engine = {name for name, text in given.items() if text == f"unix://{ENGINE_SOCKET}"}
        self.set_aside.extend((self.service_name, f"environment.{name}") for name in sorted(of_engine))
        return {name: text for name, text in given.items() if name not in of_engine}

    # --- keys with a shape of their own ---

    def deploy(self, value: Any) -> None:
        for key, item in self.mapping(value, "deploy").items():
            if key in DEPLOY_CONTAINER_ONLY or (key == "replicas" and item == 1):
                self.set_aside.append((self.service_name, f"deploy.{key}"))
            else:
                raise self.refuse(f"the key 'deploy.{key}' cannot be honoured by plain processes")

    def restart(self, value: Any) -> tuple[str, int | None]:
        # YAML reads a bare `no` as false, and everybody writes it.
        policy, _, limit = ("no" if value is False else str(value)).partition(":")
        if policy not in ("no", "always", "unless-stopped", "on-failure") or (limit and not limit.isdigit()):
            raise self.refuse(f"restart: {value!r} is no restart policy")
        return policy, int(limit) if limit else None

    def depends_on(self, value: Any) -> dict[str, Condition]:
        if isinstance(value, list):
            value = {name: {"condition": "service_started"} for name in value}
        result: dict[str, Condition] = {}
        for name, body in self.mapping(value, "depends_on").items():
            details = self.mapping(body, f"depends_on.{name}")
            condition = details.pop("condition", "service_started")
            if condition not in CONDITIONS:
                raise self.refuse(f"depends_on.{name}: {condition!r} is no condition")
            for key in details:
                raise self.refuse(f"the key 'depends_on.{name}.{key}' cannot be honoured by plain processes")
            result[name] = condition
        return result

    def healthcheck(self, value: Any) -> Healthcheck | None:
        raw = self.mapping(value, "healthcheck")
        if not raw or raw.get("disable"):
            return None
        test = raw.pop("test", None)
        if isinstance(test, str):
            words: tuple[str, ...] = ("sh", "-c", test)
        else:
            kind, *rest = [str(word) for word in self.sequence(test, "healthcheck.test")] or [""]
            if kind == "NONE":
                return None
            if kind == "CMD-SHELL" and len(rest) == 1:
                words = ("sh", "-c", rest[0])
            elif kind == "CMD" and rest:
                words = tuple(rest)
            else:
                raise self.refuse(f"healthcheck.test: {test!r} begins with neither CMD nor CMD-SHELL")
        # Read so that a wrong value is refused. Not used: nothing polls a site at rest, since a dead
        # process is seen at once and nobody here restarts or reroutes because of a health check.
        for unused in ("interval", "start_period"):
            if unused in raw:
                self.seconds(raw.pop(unused), f"healthcheck.{unused}")
        raw.pop("retries", None)
        # Under a name of ours where the file must also serve an engine too old for Docker's.
        if "x-start-interval" in raw:
            raw["start_interval"] = raw.pop("x-start-interval")
        times = {
            key: self.seconds(raw.pop(key), f"healthcheck.{key}")
            for key in ("timeout", "start_interval")
            if key in raw
        }
        for key in raw:
            raise self.refuse(f"the key 'healthcheck.{key}' cannot be honoured by plain processes")
        return Healthcheck(words, **times)

    def port(self, value: Any) -> Port:
        if isinstance(value, dict):
            host = str(value.pop("host_ip", "0.0.0.0"))
            target = self.number(value.pop("target", ""), "ports.target")
            published = self.number(value.pop("published", ""), "ports.published")
            value.pop("name", None)
            for key, item in value.items():
                if (key, item) not in (("protocol", "tcp"), ("mode", "host"), ("mode", "ingress")):
                    raise self.refuse(f"the key 'ports.{key}' cannot be honoured by plain processes")
            return Port(host, published, target)
        match = re.fullmatch(r"(?:(?P<host>[0-9.]+):)?(?P<published>\d+):(?P<target>\d+)(/tcp)?", str(value))
        if match is None:
            raise self.refuse(f"ports: {value!r} is not of the form [host:]published:target")
        return Port(match["host"] or "0.0.0.0", int(match["published"]), int(match["target"]))

    def mounts(self, value: Any) -> tuple[Mount, ...]:
        """Its volumes, but for the engine's socket."""
        result = []
        for item in self.sequence(value, "volumes"):
            short = str(item).removesuffix(":ro").rpartition(":")[2]
            if (item.get("target") if isinstance(item, dict) else short) == ENGINE_SOCKET:
                self.set_aside.append((self.service_name, f"volumes.{ENGINE_SOCKET}"))
            else:
                result.append(self.mount(item))
        return tuple(result)

    def mount(self, value: Any) -> Mount:
        if isinstance(value, dict):
            kind = value.pop("type", None)
            source, target = str(value.pop("source", "")), str(value.pop("target", ""))
            value.pop("read_only", None)
            if kind not in ("volume", "bind") or not source or value:
                raise self.refuse(
                    f"volumes: {kind!r} with {sorted(value)} cannot be honoured by plain processes"
                )
        else:
            parts = str(value).split(":")
            if len(parts) not in (2, 3) or (len(parts) == 3 and parts[2] not in ("ro", "rw")):
                raise self.refuse(f"volumes: {value!r} is not of the form source:target[:ro]")
            source, target = parts[0], parts[1]
            kind = "bind" if source[0] in "./~" else "volume"
        if kind == "bind":
            folder = (self.path.absolute().parent / Path(source).expanduser()).resolve()
            if not folder.exists():
                raise self.refuse(f"volumes: {source} does not exist")
            return Mount(folder, target.rstrip("/"))
        return Mount(source, target.rstrip("/"))
