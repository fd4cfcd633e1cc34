"""The Docker engine as this program asks it: few calls, and every refusal in words."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from docker.api.client import APIClient
from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import RequestException

from foundation.clock import parse
from foundation.failure import Failure
from testbed.runtimes.docker.project import BESIDE

Json = dict[str, Any]

_PROJECT = "com.docker.compose.project"

ANSWER_SECONDS = 15.0
"""For one answer of the engine. The slowest is a kill, and an engine under load takes seconds for a start."""

AT_ONCE = 64
"""Requests that may be under way together: two for each part of a site, and some to spare."""


class EngineRefused(Failure):
    """The engine answers, and does not do it: perhaps since it is so already."""


class Vanished(Failure):
    """The engine knows no such container."""


class EngineConnection:
    """One engine. All methods raise Failure when it does not answer, Refused when it answers with an error,
    and Vanished for an unknown container. That something is so already is an error to some versions of it.

    Safe to use from several threads, which share a pool of connections.
    """

    def __init__(self, url: str, client: APIClient | None = None) -> None:
        """`client` is for tests; without it the engine is asked at once which version it speaks."""
        self.url = url
        if client is None:
            with self._in_words():
                client = APIClient(url, version="auto", timeout=ANSWER_SECONDS, max_pool_size=AT_ONCE)
        self.client = client

    # --- looking ---

    def containers(self, project: str) -> list[Json]:
        """Every container of a Compose project in short, also those that do not run."""
        with self._in_words():
            rows: list[Json] = self.client.containers(all=True, filters=_of(project))
            return rows

    def networks(self, project: str) -> list[Json]:
        """Every network of a Compose project."""
        with self._in_words():
            rows: list[Json] = self.client.networks(filters=_of(project))
            return rows

    def container(self, name: str) -> Json:
        """A container as it is now. `name` may be its id."""
        with self._in_words(name):
            row: Json = self.client.inspect_container(name)
            return row

    def usage(self, name: str) -> tuple[float, int] | None:
        """Seconds of the processor that it has used since it started, and bytes in use without what is only
        cached; None when it does not run."""
        with self._in_words(name):
            row = self.client.stats(name, stream=False, one_shot=True)
        usage = row.get("memory_stats", {})
        if "usage" not in usage:
            return None
        cached = usage["stats"].get("total_inactive_file", usage["stats"].get("inactive_file", 0))
        return row["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9, int(usage["usage"] - cached)

    def held_back(self, name: str) -> float:
        """Seconds for which the kernel has held it back from the processor since it started."""
        with self._in_words(name):
            row = self.client.stats(name, stream=False, one_shot=True)
        return float(row["cpu_stats"].get("throttling_data", {}).get("throttled_time", 0)) / 1e9

    # --- doing ---

    def kill(self, name: str) -> None:
        with self._in_words(name):
            self.client.kill(name, "SIGKILL")

    def start(self, name: str) -> None:
        with self._in_words(name):
            self.client.start(name)

    def stop(self, name: str) -> None:
        with self._in_words(name):
            self.client.stop(name)

    def restart(self, name: str) -> None:
        with self._in_words(name):
            self.client.restart(name)

    def pause(self, name: str) -> None:
        with self._in_words(name):
            self.client.pause(name)

    def resume(self, name: str) -> None:
        with self._in_words(name):
            self.client.unpause(name)

    def disconnect(self, name: str, network: str) -> None:
        with self._in_words(name):
            self.client.disconnect_container_from_network(name, network, force=True)

    def connect(self, name: str, network: str, aliases: list[str]) -> None:
        with self._in_words(name):
            self.client.connect_container_to_network(name, network, aliases=aliases)

    def update(self, name: str, limits: Mapping[str, int]) -> None:
        """Change limits while it runs. The SDK's own method knows no NanoCpus, in which Compose sets them."""
        address = f"{self.client.base_url}/v{self.client.api_version}/containers/{name}/update"
        with self._in_words(name):
            answer = self.client.post(address, json=dict(limits), timeout=ANSWER_SECONDS)
            if answer.status_code >= 400:
                raise EngineRefused(f"Docker refuses the limits of {name}: {_reason(answer)}")

    def run_beside(
        self, name: str, own_name: str, image: str, words: list[str], project: str
    ) -> tuple[int, str]:
        """Run a command as root in a container of its own on the network of another, with no right but that
        over this network; returns its exit code and what it said. The container stays."""
        host = self.client.create_host_config(
            network_mode=f"container:{name}", cap_drop=["ALL"], cap_add=["NET_ADMIN"]
        )
        # What Compose has built has its label, and would hand it on: this would pass for a part of the site.
        labels = {BESIDE: project, _PROJECT: ""}
        with self._in_words(name):
            created = self.client.create_container(
                image, words, name=own_name, user="0:0", host_config=host, labels=labels
            )
            self.client.start(created["Id"])
            code = int(self.client.wait(created["Id"], timeout=ANSWER_SECONDS)["StatusCode"])
            return code, self.client.logs(created["Id"]).decode(errors="replace").strip()

    def made(self, name: str) -> float | None:
        """When a container was made, in Unix seconds; None when there is none of this name."""
        try:
            return parse(self.container(name)["Created"])
        except Vanished:
            return None

    def remove(self, name: str) -> None:
        """Remove a container, if there is one of this name."""
        try:
            with self._in_words(name):
                self.client.remove_container(name, force=True)
        except Vanished:
            pass

    def execute(self, name: str, words: list[str]) -> tuple[int, str]:
        """Run a command in a container; returns its exit code and what it said."""
        with self._in_words(name):
            identifier = self.client.exec_create(name, words)["Id"]
            said = self.client.exec_start(identifier)
            return int(self.client.exec_inspect(identifier)["ExitCode"]), said.decode(errors="replace")

    def log(self, name: str, tail: int | None) -> str:
        """The last lines of what a container said (None: all)."""
        with self._in_words(name):
            said: bytes = self.client.logs(name, tail="all" if tail is None else tail)
            return said.decode(errors="replace")

    def follow(self, name: str, since: float | None = None) -> Iterator[bytes]:
        """What it says from now on, or since then (Unix seconds), in pieces as they come, until it ends."""
        tail = "all" if since else 0
        with self._in_words(name):
            pieces: Iterator[bytes] = self.client.logs(name, stream=True, follow=True, tail=tail, since=since)
            yield from pieces

    # --- refusals ---

    @contextmanager
    def _in_words(self, container: str = "") -> Iterator[None]:
        try:
            yield
        except NotFound as error:
            if "network" in str(error.explanation):
                raise EngineRefused(
                    f"a network of {container} is gone: {error.explanation}", "docker compose up -d makes it"
                ) from None
            raise Vanished(
                f"there is no container {container} any more", "docker compose up -d makes it anew"
            ) from None
        except APIError as error:
            raise EngineRefused(
                f"Docker refuses: {error.explanation or error}", "see: docker compose ps"
            ) from None
        except (DockerException, RequestException) as error:
            raise self._silence(error) from None

    def _silence(self, error: Exception) -> Failure:
        if "Permission denied" in str(error):
            return Failure(
                f"the Docker engine's socket {self.url} refuses this user",
                "DOCKER_SOCKET must name the engine's socket, which its group may use",
            )
        return Failure(
            f"the Docker engine at {self.url} does not answer: {_cause(error)}",
            "see on the host: docker version; DOCKER_SOCKET names its socket",
        )


def _cause(error: Exception) -> str:
    """What lies below the library's own words, where it is known."""
    for sign in ("No such file or directory", "Connection refused", "timed out"):
        if sign in str(error):
            return sign.lower()
    return str(error)


def _of(project: str) -> dict[str, str]:
    return {"label": f"{_PROJECT}={project}"}


def _reason(answer: Any) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError):
        return f"status {answer.status_code}"


_opening = threading.Lock()


def connection_to(url: str) -> EngineConnection:
    """The connection of this process to an engine: one, however often the site is opened."""
    with _opening:
        return _connect(url)


@lru_cache
def _connect(url: str) -> EngineConnection:
    return EngineConnection(url)
