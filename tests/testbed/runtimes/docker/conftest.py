"""A real engine, a project of one container and two networks; gone at the end whatever happened."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from foundation.failure import Failure
from foundation.state import State
from testbed.runtimes.docker import sitefile
from testbed.runtimes.docker.client import Docker
from testbed.runtimes.docker.connection import EngineConnection

SOCKET = "unix:///var/run/docker.sock"
COMPOSE_FILE = Path(__file__).parents[4] / "docker-compose.yml"

# A shell that ends at once when it is asked to, and otherwise waits.
WORDS = ["sh", "-c", "trap 'exit 1' TERM; while :; do sleep 0.1 & wait; done"]


@dataclass
class Project:
    """A project as Compose would have made it. `make` may be called again: the container is made anew."""

    connection: EngineConnection
    image: str
    name: str

    def label(self, **more: str) -> dict[str, str]:
        return {"com.docker.compose.project": self.name} | {
            f"com.docker.compose.{key}": value for key, value in more.items()
        }

    @property
    def container(self) -> str:
        return f"{self.name}-link-east-1"

    @property
    def client(self) -> Any:
        return self.connection.client

    def make_networks(self) -> None:
        for network in ("edge", "east"):
            self.client.create_network(
                f"{self.name}_{network}", labels=self.label(network=network), internal=True
            )

    def make(self) -> None:
        """The container, on both networks under two names."""
        self.remove()
        aliases = ["link-east", self.container]
        edge = self.client.create_endpoint_config(aliases=aliases)
        created = self.client.create_container(
            self.image,
            WORDS,
            name=self.container,
            labels={
                **self.label(service="link-east", **{"container-number": "1", "oneoff": "False"}),
                "failwhale.service": "link",
                "failwhale.kind": "link",
                "failwhale.place": "east",
            },
            environment={"LISTEN": "0.0.0.0:6379", "RELEASE": "1.0"},
            host_config=self.client.create_host_config(
                mem_limit="64m", nano_cpus=10**9, restart_policy={"Name": "unless-stopped"}
            ),
            networking_config=self.client.create_networking_config({f"{self.name}_edge": edge}),
        )
        self.client.connect_container_to_network(created["Id"], f"{self.name}_east", aliases=aliases)
        self.client.start(created["Id"])

    def remove(self) -> None:
        for row in self.connection.containers(self.name):
            self.client.remove_container(row["Id"], force=True, v=True)

    def remove_everything(self) -> None:
        self.remove()
        for row in self.connection.networks(self.name):
            self.client.remove_network(row["Id"])


@pytest.fixture(scope="session")
def connection() -> EngineConnection:
    try:
        return EngineConnection(SOCKET)
    except Failure as failure:
        pytest.skip(f"no Docker engine: {failure.message}")


@pytest.fixture(scope="session")
def image(connection: EngineConnection) -> str:
    """Any image that the site needs anyway."""
    here = {tag for image in connection.client.images() for tag in image["RepoTags"] or ()}
    wanted = re.findall(r"^ *image: *(redis:\S+)", COMPOSE_FILE.read_text(), re.MULTILINE)
    for name in wanted:
        if name in here:
            return name
    pytest.skip(f"none of the site's images is here: {', '.join(wanted)}")


@pytest.fixture
def project(connection: EngineConnection, image: str) -> Iterator[Project]:
    project = Project(connection, image, f"failwhale-test-{secrets.token_hex(3)}")
    try:
        project.make_networks()
        project.make()
        yield project
    finally:
        project.remove_everything()


@pytest.fixture
def state(tmp_path: Path, project: Project) -> State:
    state = State(tmp_path)
    sitefile.refresh(state, project.connection, project.name)
    return state


@pytest.fixture
def docker(state: State, project: Project) -> Docker:
    return Docker(state, project.connection)
