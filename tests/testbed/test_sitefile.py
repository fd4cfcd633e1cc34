"""site.json: what is written is what is read, and what cannot be read says so and names the next step."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from site_files import full_site, record, write_site

from foundation.failure import Failure
from foundation.state import State
from testbed.sitefile import (
    VERSION,
    ContainerRecord,
    DockerRecord,
    OtherForm,
    SiteFile,
    SupervisorRecord,
    keep_what_ends_it,
)

SEEN = ContainerRecord(
    "id", "https://frontend-east:8443", None, "1.0", {"Memory": 1}, {"edge": ("post-east", "post")}
)


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state")


def inside() -> SiteFile:
    part = record("post@east", {"8000": "post-east:8000"}, container="p-post-east-1", seen=SEEN)
    docker = DockerRecord(
        "p", "unix:///x", networks={"edge": "p_edge"}, public={"east": "https://localhost:1"}
    )
    return SiteFile(edges={"east": "https://frontend-east:8443"}, parts=(part,), docker=docker)


@pytest.mark.parametrize("site", [full_site(), inside()])
def test_what_is_written_is_what_is_read(state: State, site: SiteFile) -> None:
    site.write(state)
    assert SiteFile.read(state) == site
    assert SiteFile.read_if_made(state) == site
    assert [file.name for file in state.path.iterdir()] == ["site.json"]


def test_the_machine_and_the_container_are_told_apart(state: State) -> None:
    on_machine = write_site(state, on="docker", edges={"east": "https://localhost:2"})
    assert not on_machine.is_seen_from_inside
    assert on_machine.public == {"east": "https://localhost:2"}
    assert inside().is_seen_from_inside
    assert inside().public == {"east": "https://localhost:1"}
    assert not full_site().is_seen_from_inside
    assert [site.runtime for site in (on_machine, inside(), full_site())] == ["docker", "docker", "processes"]


def test_what_a_site_on_the_other_runtime_has_not_is_a_failure() -> None:
    with pytest.raises(Failure, match="runs on Docker"):
        _ = inside().as_processes
    with pytest.raises(Failure, match="runs as plain processes"):
        _ = full_site().as_containers


# --- what is not there, not ours, damaged ---


def test_no_site_says_how_one_is_started(state: State) -> None:
    assert SiteFile.read_if_made(state) is None
    with pytest.raises(Failure, match="there is no site in") as raised:
        SiteFile.read(state)
    assert raised.value.next_step == f"start one: failwhale up --state {state.path}"


@pytest.mark.parametrize("text", ["[]", "{}", '"text"', '{"name": "a website"}'])
def test_somebody_elses_file_is_left_alone(state: State, text: str) -> None:
    state.path.mkdir()
    state.site_file.write_text(text)
    with pytest.raises(Failure, match="is not failwhale's") as raised:
        SiteFile.read(state)
    assert raised.value.next_step == "choose another folder with --state"


def _drop(*where: Any) -> Callable[[Any], None]:
    def change(content: Any) -> None:
        for step in where[:-1]:
            content = content[step]
        del content[where[-1]]

    return change


def _set(*where: Any, to: object) -> Callable[[Any], None]:
    def change(content: Any) -> None:
        for step in where[:-1]:
            content = content[step]
        content[where[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_drop("edges"), "edges is missing"),
        (_drop("parts", 1, "main"), "parts[1].main is missing"),
        (_set("parts", to={}), "parts must be a list, not {}"),
        (_set("parts", 0, to="post"), "parts[0] must be an object, not 'post'"),
        (_set("parts", 1, "main", to=8000), "parts[1].main must be text, not 8000"),
        (_set("parts", 1, "one_shot", to=0), "parts[1].one_shot must be true or false, not 0"),
        (_set("parts", 1, "kind", to="database"), "parts[1].kind must be one of setup, service, store"),
        (_set("parts", 1, "colour", to="red"), "parts[1].colour is not known"),
        (_set("edges", "east", to=None), "edges.east must be text, not None"),
        (_set("processes", "ports", "x", to="1"), "processes.ports.x must be a whole number, not '1'"),
        (_set("processes", "supervisor", "pid", to=True), "processes.supervisor.pid must be a whole number"),
        (_set("processes", to=None), "it must have one of processes and docker"),
        (_set("docker", to={"project": "p", "engine": "e"}), "it must have one of processes and docker"),
    ],
)
def test_a_damaged_file_names_the_field(state: State, change: Callable[[Any], None], said: str) -> None:
    full_site().write(state)
    content = json.loads(state.site_file.read_text())
    change(content)
    state.site_file.write_text(json.dumps(content))
    with pytest.raises(Failure) as raised:
        SiteFile.read(state)
    assert raised.value.message.startswith(f"{state.site_file} is damaged: {said}")
    assert "--state" in raised.value.next_step
    assert not isinstance(raised.value, OtherForm)


def test_half_a_file_cannot_be_read(state: State) -> None:
    full_site().write(state)
    state.site_file.write_text(state.site_file.read_text()[:100])
    with pytest.raises(Failure, match="cannot be read"):
        SiteFile.read(state)


# --- what another version wrote ---

BEFORE_VERSIONS: dict[str, dict[str, Any]] = {
    "processes": {
        "runtime": "processes",
        "project": "failwhale",
        "compose": "/somewhere/docker-compose.yml",
        "variables": {"FAILWHALE_EAST_PORT": "18443"},
        "socket": "/somewhere/run/supervisor.sock",
        "edges": {"east": "https://localhost:18443"},
        "ports": {"post-east:8000": 20001},
        "parts": [{"name": "post@east", "service": "post"}],
        "left_out": [],
        "supervisor": {"pid": 7, "created": 1.5},
    },
    "docker": {
        "runtime": "docker",
        "project": "failwhale-1",
        "compose": "/somewhere/docker-compose.yml",
        "engine": "unix:///var/run/docker.sock",
        "through": "chaos",
        "variables": {},
        "edges": {"east": "https://localhost:8443"},
        "parts": [{"name": "post@east", "addresses": []}],
        "left_out": [],
    },
}


def was_there(state: State, content: object) -> None:
    state.path.mkdir(exist_ok=True)
    state.site_file.write_text(json.dumps(content))


@pytest.mark.parametrize("runtime", BEFORE_VERSIONS)
def test_a_file_from_before_versions_is_told_apart(state: State, runtime: str) -> None:
    was_there(state, BEFORE_VERSIONS[runtime])
    with pytest.raises(OtherForm, match="older failwhale, before the file had versions") as raised:
        SiteFile.read(state)
    assert str(state.site_file) in raised.value.message
    assert "failwhale down --purge" in raised.value.next_step


@pytest.mark.parametrize("version", [VERSION + 1, 0, "new", None])
def test_another_version_is_told_apart(state: State, version: object) -> None:
    was_there(state, {"version": version, "sites": []})
    with pytest.raises(OtherForm, match=f"this one reads version {VERSION}") as raised:
        SiteFile.read(state)
    assert repr(version) in raised.value.message
    assert "the failwhale that made it" in raised.value.next_step


def test_a_file_from_before_it_said_who_made_the_site_is_read(state: State) -> None:
    content = asdict(full_site()) | {"version": 1}
    del content["made_by"]
    was_there(state, content)
    assert SiteFile.read(state) == replace(full_site(), version=1, made_by="")


def test_what_ends_a_site_of_processes_is_kept(state: State) -> None:
    was_there(state, BEFORE_VERSIONS["processes"])
    keep_what_ends_it(state)
    site = SiteFile.read(state)
    assert site.as_processes.supervisor == SupervisorRecord(7, 1.5)
    assert site.as_processes.socket == "/somewhere/run/supervisor.sock"
    assert site.parts == ()


def test_what_ends_a_site_on_docker_is_kept(state: State) -> None:
    was_there(state, BEFORE_VERSIONS["docker"])
    keep_what_ends_it(state)
    site = SiteFile.read(state)
    assert site.docker == DockerRecord("failwhale-1", "unix:///var/run/docker.sock", through="chaos")
    assert site.description is not None
    assert site.description.file == "/somewhere/docker-compose.yml"


@pytest.mark.parametrize("content", [{"version": VERSION + 1}, {"parts": []}, [], {"version": VERSION}])
def test_any_other_file_stays_as_it_is(state: State, content: object) -> None:
    was_there(state, content)
    keep_what_ends_it(state)
    assert json.loads(state.site_file.read_text()) == content


def test_too_little_to_end_a_site_is_said(state: State) -> None:
    was_there(state, {"runtime": "processes", "parts": []})
    with pytest.raises(Failure, match=r"processes\.socket must be text"):
        keep_what_ends_it(state)
