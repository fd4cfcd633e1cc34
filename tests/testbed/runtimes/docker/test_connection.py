"""What the engine refuses, and that it does not answer, in words."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError, NotFound
from requests import Response
from requests.exceptions import ConnectionError, ReadTimeout

from foundation.failure import Failure
from testbed.runtimes.docker.connection import EngineConnection, EngineRefused, Vanished


def raising(error: Exception) -> EngineConnection:
    def ask(*words: object, **more: object) -> Any:
        raise error

    return EngineConnection("unix:///run/docker.sock", SimpleNamespace(inspect_container=ask, start=ask))


def api_error(kind: type[APIError], status: int, said: str) -> APIError:
    response = Response()
    response.status_code = status
    return kind("", response=response, explanation=said)


def test_no_engine_is_told_with_its_socket(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"does not answer: no such file or directory$") as failure:
        EngineConnection(f"unix://{tmp_path}/docker.sock")
    assert f"{tmp_path}/docker.sock" in failure.value.message
    assert "docker version" in failure.value.next_step


def test_an_engine_that_hangs_is_given_up() -> None:
    with pytest.raises(Failure, match="does not answer: timed out"):
        raising(ReadTimeout("Read timed out")).start("one")


def test_a_socket_that_refuses_is_another_matter() -> None:
    with pytest.raises(Failure, match="refuses this user") as failure:
        raising(ConnectionError("('Connection aborted.', PermissionError(13, 'Permission denied'))")).start(
            "one"
        )
    assert "DOCKER_SOCKET" in failure.value.next_step


def test_a_container_that_is_gone_is_named() -> None:
    with pytest.raises(Vanished, match="no container site-post-east-1"):
        raising(api_error(NotFound, 404, "No such container: abc")).container("site-post-east-1")


def test_what_docker_says_is_passed_on() -> None:
    with pytest.raises(EngineRefused, match="Docker refuses: address already in use"):
        raising(api_error(APIError, 500, "address already in use")).start("one")
    with pytest.raises(EngineRefused, match="a network of one is gone"):
        raising(api_error(NotFound, 404, "network site_edge not found")).start("one")
