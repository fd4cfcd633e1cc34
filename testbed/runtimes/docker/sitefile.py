"""site.json in the controller's container: made from the containers of its Compose project.

What a container is like when nobody has hurt it (its networks with the names it has there, its limits) is
known only as long as nobody has. So it is remembered by the container's id: who looks while a container is
cut off still knows where it belongs. A container that was made anew has another id, and is taken as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from foundation.failure import Failure
from foundation.state import State
from foundation.version import VERSION as RELEASE
from testbed.labels import Labels
from testbed.runtimes.docker.connection import EngineConnection, Json
from testbed.sitefile import ContainerRecord, DockerRecord, OtherForm, PartRecord, SiteFile

_LABEL = "com.docker.compose."
_LISTENS = re.compile(r"0\.0\.0\.0:(\d+)")
# While Compose makes a container anew, it bears the old one's id before the name that it will have.
_TEMPORARY = re.compile(r"^[0-9a-f]{12}_")


def refresh(state: State, connection: EngineConnection, project: str) -> SiteFile:
    """Write down what there is now, if it is not written yet; returns it.

    Asks the engine once, and once more for each container that is new. Raises Failure when it does not
    answer, or has no container of the project.
    """
    before = _before(state)
    remembered = (before.docker.networks if before and before.docker else None) or {}
    containers = [one for one in connection.containers(project) if _is_a_part(one["Labels"])]
    if not containers:
        raise Failure(
            f"Docker has no container of the project {project!r}",
            "PROJECT of the service chaos must name the project: docker compose ls",
        )
    known = {row.seen.id: row for row in before.parts if row.seen} if before else {}
    news = [one for one in containers if not _is_known(one, known, remembered)]
    networks = _names_of_networks(connection.networks(project)) if news else remembered
    for one in news:
        seen = connection.container(one["Id"])
        known[one["Id"]] = _row(seen, networks, known.get(one["Id"]))
    one_shots = _one_shots(containers)
    rows = [replace(known[one["Id"]], one_shot=_service(one["Labels"]) in one_shots) for one in containers]
    rows.sort(key=lambda row: (row.place is None, row.compose_name))
    at_edges = [(row.place, row.seen) for row in rows if row.place and row.seen]
    now = SiteFile(
        made_by=RELEASE,
        edges={place: seen.edge for place, seen in at_edges if seen.edge},
        parts=tuple(rows),
        docker=DockerRecord(
            project=project,
            engine=connection.url,
            networks=networks,
            public={place: seen.public for place, seen in at_edges if seen.public},
        ),
    )
    if now != before:
        now.write(state)
    return now


def _before(state: State) -> SiteFile | None:
    """What was written last. A controller of another version has made its file from the same containers, so
    that file is made anew."""
    try:
        return SiteFile.read_if_made(state)
    except OtherForm:
        return None


# --- what the engine tells ---


def _is_a_part(labels: Mapping[str, str]) -> bool:
    """Whether this is one of the site's own: neither `docker compose run`, nor a second of one kind."""
    first = labels.get(f"{_LABEL}container-number", "1") == "1"
    return "failwhale.service" in labels and first and labels.get(f"{_LABEL}oneoff") != "True"


def _service(labels: Mapping[str, str]) -> str:
    return labels[f"{_LABEL}service"]


def _one_shots(containers: Iterable[Json]) -> set[str]:
    """Those whose end somebody waits for. Compose notes in a label: `genesis:CONDITION:false,...`."""
    needed = [one["Labels"].get(f"{_LABEL}depends_on", "").split(",") for one in containers]
    return {
        need.partition(":")[0] for needs in needed for need in needs if "service_completed_success" in need
    }


def _names_of_networks(rows: Iterable[Json]) -> dict[str, str]:
    """The engine's name of each network by its name in the compose file."""
    return {row["Labels"][f"{_LABEL}network"]: row["Name"] for row in rows}


def _is_known(container: Json, known: Mapping[str, PartRecord], networks: Mapping[str, str]) -> bool:
    """Whether all that it is on is remembered already. That it may be on less now is what this is about."""
    row = known.get(container["Id"])
    remembered = {networks.get(name, name) for name in row.seen.networks} if row and row.seen else set()
    return row is not None and remembered >= container["NetworkSettings"]["Networks"].keys()


# --- one part ---


def _row(seen: Json, networks: Mapping[str, str], before: PartRecord | None) -> PartRecord:
    """A part of site.json. What is remembered of the same container goes before what is seen now."""
    name = _service(seen["Config"]["Labels"])
    labels = Labels.of(seen["Config"]["Labels"], name)
    environment = dict(entry.partition("=")[::2] for entry in seen["Config"]["Env"] or ())
    ports = _ports(seen, environment)
    public = environment.get("PUBLIC_LISTEN", "").rpartition(":")[2]
    now = ContainerRecord(
        id=seen["Id"],
        edge=f"https://{name}:{public}" if public else None,
        public=_published(seen["HostConfig"], public),
        release=environment.get("RELEASE"),
        limits=limits(seen),
        networks=aliases(seen, networks),
    )
    if before and before.seen:
        together = {**now.networks, **before.seen.networks}
        now = replace(now, limits=before.seen.limits, networks=together)
    return PartRecord(
        name=labels.name,
        service=labels.service,
        kind=labels.kind,
        place=labels.place,
        compose_name=name,
        alive_path=labels.alive_path,
        ready_path=labels.ready_path,
        one_shot=False,  # who waits for its end is known once all are
        main=ports[0] if ports else None,
        addresses={port: f"{name}:{port}" for port in ports},
        container=_TEMPORARY.sub("", seen["Name"].removeprefix("/")),
        seen=now,
    )


def _ports(seen: Json, environment: Mapping[str, str]) -> list[str]:
    """The ports it listens at, its main one first: what its environment says, then what is published."""
    listening = [port for text in environment.values() for port in _LISTENS.findall(text)]
    published = [port.partition("/")[0] for port in seen["HostConfig"]["PortBindings"] or {}]
    main = environment.get("LISTEN", "").rpartition(":")[2]
    return sorted(dict.fromkeys([*listening, *published]), key=lambda port: port != main)


def _published(host: Json, port: str) -> str | None:
    """The address on the Docker host of what listens at a port."""
    bound = (host["PortBindings"] or {}).get(f"{port}/tcp") or []
    return f"https://localhost:{bound[0]['HostPort']}" if bound else None


def limits(seen: Json) -> dict[str, int]:
    """Billionths of cores, bytes, bytes with swap: what a container may take, 0 for any amount."""
    return {name: seen["HostConfig"][name] for name in ("NanoCpus", "Memory", "MemorySwap")}


def aliases(seen: Json, networks: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The names that a container has on each network it is on. Its short id is Docker's own doing."""
    names = {real: name for name, real in networks.items()}
    return {
        names.get(real, real): tuple(sorted(set(end["Aliases"] or ()) - {seen["Id"][:12]}))
        for real, end in seen["NetworkSettings"]["Networks"].items()
    }
