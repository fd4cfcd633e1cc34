"""A site.json for tests, without a runtime that would write it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from foundation.state import State
from foundation.version import VERSION
from testbed.labels import ALIVE_PATH, READY_PATH, Kind
from testbed.sitefile import (
    Description,
    DockerRecord,
    PartRecord,
    ProcessesRecord,
    SiteFile,
    SupervisorRecord,
)

KINDS: Mapping[str, Kind] = {
    "genesis": "setup",
    "store": "store",
    "sentinel": "sentinel",
    "link": "link",
    "chaos": "controller",
    "prober": "instrument",
    "prometheus": "page",
    "alertmanager": "instrument",
    "grafana": "page",
    "locust": "page",
}


def kind_of(service: str) -> Kind:
    """As docker-compose.yml says, which a test holds to it."""
    return KINDS.get(service, "service")


def record(name: str, addresses: Mapping[str, str] | None = None, **more: Any) -> PartRecord:
    """A part by its name: `post@east`. Its first address is that of its main listener."""
    service, _, place = name.partition("@")
    addresses = addresses or {}
    fields: dict[str, Any] = {
        "name": name,
        "service": service,
        "kind": kind_of(service),
        "place": place or None,
        "compose_name": name.replace("@", "-"),
        "alive_path": ALIVE_PATH,
        "ready_path": READY_PATH,
        "one_shot": False,
        "main": next(iter(addresses), None),
        "addresses": addresses,
    }
    return PartRecord(**fields | more)


_SUPERVISOR = SupervisorRecord(2**30, 1.5)
"""A process that there is not."""


def write_site(
    folder: State | Path,
    parts: Iterable[PartRecord] = (),
    edges: Mapping[str, str] | None = None,
    on: Literal["processes", "processes up", "docker", "docker inside"] = "processes",
    **more: Any,
) -> SiteFile:
    """On processes that are down, or noted as up; on a Docker host, or in the controller's container."""
    carriers: dict[str, dict[str, Any]] = {
        "processes": {"processes": ProcessesRecord(socket="/nowhere.sock", ports={})},
        "processes up": {"processes": ProcessesRecord("/nowhere.sock", {}, supervisor=_SUPERVISOR)},
        "docker": {"docker": DockerRecord("p", "unix:///x", through="chaos")},
        "docker inside": {"docker": DockerRecord("p", "unix:///x", networks={}, public={})},
    }
    site = SiteFile(edges=edges or {}, parts=tuple(parts), **carriers[on] | {"made_by": VERSION} | more)
    site.write(folder if isinstance(folder, State) else State(folder))
    return site


def before_versions(state: State) -> None:
    """The site of a state folder as it was written down before the file had versions."""
    site = SiteFile.read(state)
    noted = asdict(site.as_processes)
    described = asdict(site.description) if site.description else {"file": None, "variables": {}}
    old = {"runtime": "processes", "edges": dict(site.edges), "parts": [], "left_out": [], **noted}
    old |= {"compose": described["file"], "variables": described["variables"]}
    state.site_file.write_text(json.dumps(old))


def full_site() -> SiteFile:
    """Of plain processes, with something in every field."""
    return SiteFile(
        made_by="1.0",
        edges={"east": "https://localhost:8443"},
        parts=(record("genesis", one_shot=True), record("post@east", {"8000": "127.0.0.1:20001"})),
        description=Description("/somewhere/docker-compose.yml", {"FAILWHALE_EAST_PORT": "8443"}),
        processes=ProcessesRecord(
            "/run/s.sock", {"post-east:8000": 20001}, supervisor=SupervisorRecord(7, 1.5)
        ),
    )
