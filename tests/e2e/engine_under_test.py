"""The Docker engine of this machine: is there one that the tests can use, and what is on it?

The engine is asked by the SDK. Building and what a person does go through the command line.
"""

from __future__ import annotations

import os
import re
import subprocess
from functools import cache
from typing import Any

import pytest
from docker.client import DockerClient
from docker.errors import APIError, DockerException
from site_under_test import ROOT

from testbed.runtimes.docker.project import BESIDE

IMAGE = "failwhale:1.0"
BUILD_SECONDS = 900
PULL_SECONDS = 300
MISCOUNTED = "has active endpoints"
"""What an engine says that will not remove a network though nothing is on it (moby/moby#42119): it has
miscounted, and lets go of the network when it is restarted. Compose then stops short of the volumes, and
removes them the next time."""


@cache
def engine() -> DockerClient:
    """The engine. Raises docker.errors.DockerException when none answers."""
    return DockerClient.from_env(timeout=30)


def ready_engine() -> None:
    """Make sure of an engine, Compose, the base images, and the site's image, built from this tree.

    What is missing skips the test, or fails it where CI says that nothing may be; a build that fails, fails.
    """
    if missing := _missing():
        if os.environ.get("CI") == "true":
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    built = run("sh", "docker/compose.sh", "build", "chaos", seconds=BUILD_SECONDS)
    if built.returncode != 0:
        pytest.fail(f"the image does not build:\n{built.stdout[-3000:]}{built.stderr[-3000:]}", pytrace=False)


def run(*words: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """One command in the tree under test."""
    return subprocess.run(
        words, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds
    )


def _missing() -> str:
    """Why the tests cannot use Docker here; empty when they can."""
    try:
        engine().ping()
    except DockerException as error:
        return f"no Docker engine answers: {error}"
    try:
        compose = run("docker", "compose", "version", "--short")
    except FileNotFoundError:
        return "the command docker is missing"
    if compose.returncode != 0:
        return f"Docker Compose is missing: {compose.stderr.strip()}"
    for image in base_images():
        if (
            not has_image(image)
            and run("docker", "pull", "--quiet", image, seconds=PULL_SECONDS).returncode != 0
        ):
            return f"the base image {image} is not here and cannot be pulled: make images-offline"
    return ""


def base_images() -> list[str]:
    """What the site's containers start from, but for Grafana, without which the site is whole."""
    return run("sh", "docker/stand-ins.sh", "--names").stdout.split()


def has_image(name: str) -> bool:
    return bool(engine().images.list(name=name))


def compose_file() -> str:
    """What Compose is to read (COMPOSE_FILE): Grafana is left out where its image is not here."""
    (grafana,) = re.findall(r"^ *image: *(grafana/\S+)", (ROOT / "docker-compose.yml").read_text(), re.M)
    return "docker-compose.yml" + ("" if has_image(grafana) else ":docker/without-grafana.yml")


def memory_of(container: dict[str, Any]) -> int:
    """Bytes that a container uses, as `docker stats` counts them: without what is only cached."""
    memory = engine().api.stats(container["Id"], stream=False, one_shot=True)["memory_stats"]
    cached = memory["stats"].get("total_inactive_file", memory["stats"].get("inactive_file", 0))
    return int(memory["usage"] - cached)


def left_of(project: str) -> list[str]:
    """Containers, networks and volumes of a Compose project, a line each. Empty networks are removed, as
    that alone tells whether they were left or only miscounted."""
    api, label = engine().api, {"label": f"com.docker.compose.project={project}"}
    beside = {"label": f"{BESIDE}={project}"}
    containers = [
        f"container {row['Names'][0].lstrip('/')}"
        for filters in (label, beside)
        for row in api.containers(all=True, filters=filters)
    ]
    networks = [
        f"network {row['Name']}"
        for row in api.networks(filters=label)
        if api.inspect_network(row["Id"])["Containers"] or is_removed(row["Id"])
    ]
    volumes = [f"volume {row['Name']}" for row in api.volumes(filters=label)["Volumes"] or []]
    return containers + networks + volumes


def is_removed(network: str) -> bool:
    """Remove a network. False when the engine has miscounted, and nobody can remove it."""
    api = engine().api
    try:
        api.remove_network(network)
    except APIError as error:
        if api.inspect_network(network)["Containers"] or MISCOUNTED not in str(error.explanation):
            raise
        return False
    return True


def remove_all_of(project: str) -> list[str]:
    """Remove whatever there is of a Compose project, in whatever state; returns what it was."""
    left = left_of(project)
    api, label = engine().api, {"label": f"com.docker.compose.project={project}"}
    for row in api.containers(all=True, filters=label):
        api.remove_container(row["Id"], force=True, v=True)
    for row in api.networks(filters=label):
        is_removed(row["Id"])
    for row in api.volumes(filters=label)["Volumes"] or []:
        api.remove_volume(row["Name"], force=True)
    return left
