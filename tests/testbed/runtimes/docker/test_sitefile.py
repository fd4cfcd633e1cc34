"""site.json as it is made from what the engine tells, without an engine."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import pytest

from foundation.failure import Failure
from foundation.state import State
from testbed.inventory import Inventory
from testbed.runtimes.docker import sitefile
from testbed.runtimes.docker.client import Docker
from testbed.runtimes.docker.connection import EngineConnection, Vanished
from testbed.sitefile import SiteFile

Json = dict[str, Any]


def container(
    name: str,
    labels: Json | None = None,
    environment: Iterable[str] = (),
    networks: Iterable[str] = ("edge",),
    ports: Json | None = None,
    needs: str = "",
) -> Json:
    service, _, place = name.partition("-")
    return {
        "Id": f"id-of-{name}-0000000000",
        "Name": f"/site-{name}-1",
        "Config": {
            "Labels": {
                "com.docker.compose.service": name,
                "com.docker.compose.container-number": "1",
                "com.docker.compose.depends_on": needs,
                "failwhale.service": service,
                **({"failwhale.place": place} if place else {}),
                **(labels or {}),
            },
            "Env": list(environment),
        },
        "HostConfig": {"NanoCpus": 10**9, "Memory": 2**26, "MemorySwap": 2**27, "PortBindings": ports},
        "NetworkSettings": {
            "Networks": {f"site_{one}": {"Aliases": [name, "id-of-" + name[:6]]} for one in networks}
        },
    }


class FakeEngine:
    """Counts what it is asked, since asking is what costs."""

    url = "unix:///run/docker.sock"

    def __init__(self, *containers: Json) -> None:
        self.there = {one["Id"]: one for one in containers}
        self.looked_at: list[str] = []

    def containers(self, project: str) -> list[Json]:
        return [{**deepcopy(one), "Labels": one["Config"]["Labels"]} for one in self.there.values()]

    def networks(self, project: str) -> list[Json]:
        names = ("edge", "east", "replication")
        return [{"Name": f"site_{name}", "Labels": {"com.docker.compose.network": name}} for name in names]

    def container(self, name: str) -> Json:
        self.looked_at.append(name)
        for one in self.there.values():
            if name in (one["Id"], one["Name"].removeprefix("/")):
                return deepcopy(one)
        raise Vanished(f"no such container: {name}")


def refresh(state: State, engine: FakeEngine) -> SiteFile:
    return sitefile.refresh(state, cast(EngineConnection, engine), "site")


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path)


POST = container("post-east", environment=("LISTEN=0.0.0.0:8000", "RELEASE=1.0"), networks=("edge", "east"))
FRONTEND = container(
    "frontend-east",
    environment=("ROUTES=0.0.0.0:9000=x:1", "LISTEN=0.0.0.0:8000", "PUBLIC_LISTEN=0.0.0.0:8443"),
    ports={"8443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "38443"}]},
    needs="genesis:service_completed_successfully:false,store-east:service_healthy:false",
)
GENESIS = container("genesis", networks=())
GRAFANA = container("grafana", ports={"3000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "3001"}]})


def test_parts_have_the_addresses_that_they_have_inside(state: State) -> None:
    site = refresh(state, FakeEngine(GRAFANA, GENESIS, POST, FRONTEND))
    assert SiteFile.read(state) == site
    docker = site.as_containers
    assert (site.runtime, docker.project, docker.engine) == ("docker", "site", FakeEngine.url)
    assert site.edges == {"east": "https://frontend-east:8443"}
    assert site.public == {"east": "https://localhost:38443"}
    inventory = Inventory.of(state)
    assert [part.name for part in inventory.parts] == ["frontend@east", "post@east", "grafana"]  # no one-shot
    assert inventory.address("frontend@east") == ("frontend-east", 8000)  # LISTEN, whatever comes first
    assert inventory.address("frontend@east", "8443") == ("frontend-east", 8443)
    assert inventory.address("grafana") == ("grafana", 3000)


def test_only_the_sites_own_first_containers_are_parts(state: State) -> None:
    extra = container("post-east", {"com.docker.compose.container-number": "2"})
    once = container("post-west", {"com.docker.compose.oneoff": "True"})
    other = container("redis")
    del other["Config"]["Labels"]["failwhale.service"]
    extra["Id"] = "another"
    assert [row.name for row in refresh(state, FakeEngine(POST, extra, once, other)).parts] == ["post@east"]


def test_what_is_known_is_not_looked_at_again(state: State) -> None:
    engine = FakeEngine(POST, FRONTEND)
    first = refresh(state, engine)
    engine.looked_at.clear()
    written = state.site_file.stat().st_mtime_ns
    assert refresh(state, engine) == first
    assert engine.looked_at == []
    assert state.site_file.stat().st_mtime_ns == written


def test_a_cut_and_a_limit_are_not_taken_for_normal(state: State) -> None:
    engine = FakeEngine(deepcopy(POST))
    before = refresh(state, engine).parts
    (now,) = engine.there.values()
    del now["NetworkSettings"]["Networks"]["site_edge"]
    now["HostConfig"]["NanoCpus"] = 1
    assert refresh(state, engine).parts == before


def test_a_network_that_it_is_put_on_later_is_its_own_too(state: State) -> None:
    engine = FakeEngine(deepcopy(POST))
    refresh(state, engine)
    (now,) = engine.there.values()
    now["NetworkSettings"]["Networks"]["site_replication"] = {"Aliases": None}
    (row,) = refresh(state, engine).parts
    assert row.seen is not None
    assert row.seen.networks == {"edge": ("post-east",), "east": ("post-east",), "replication": ()}


def test_a_part_whose_container_was_removed_is_named(state: State) -> None:
    engine = FakeEngine(POST, FRONTEND)
    refresh(state, engine)
    docker = Docker(state, cast(EngineConnection, engine))
    del engine.there[POST["Id"]]
    with pytest.raises(Failure, match="the container of post@east is gone") as failure:
        docker.is_running("post@east")
    assert "docker compose up -d" in failure.value.next_step
    assert [part.name for part in Inventory.of(state).parts] == ["frontend@east"]


def test_a_project_without_containers_is_refused(state: State) -> None:
    with pytest.raises(Failure, match="no container of the project 'site'"):
        refresh(state, FakeEngine())
    assert not state.is_made


def test_what_a_controller_of_another_version_wrote_is_made_anew(state: State) -> None:
    state.site_file.write_text('{"runtime": "docker", "project": "site", "parts": []}')
    site = refresh(state, FakeEngine(POST))
    assert SiteFile.read(state) == site
    assert [row.name for row in site.parts] == ["post@east"]


def test_labels_say_the_kind_and_how_a_part_is_asked(state: State) -> None:
    labels = {"failwhale.kind": "page", "failwhale.alive": "/api/health"}
    refresh(state, FakeEngine(POST, container("grafana", labels)))
    post, grafana = Inventory.of(state).parts
    assert (post.kind, post.alive_path, post.ready_path) == ("service", "/-/health", "/-/ready")
    assert (grafana.kind, grafana.alive_path, grafana.ready_path) == ("page", "/api/health", "/-/ready")
    assert (post.is_instrument, grafana.is_instrument) == (False, True)
