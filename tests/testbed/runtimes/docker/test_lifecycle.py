"""A site's beginning and end on Docker: what is looked ahead to, and what Docker's command line is asked."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from foundation.failure import Failure
from foundation.state import State
from testbed.runtimes.docker import beginning, ending, host, obstacles, outlook
from testbed.runtimes.docker.host import Container
from testbed.runtimes.docker.outlook import DockerOutlook
from testbed.runtimes.docker.project import project_of
from testbed.runtimes.lifecycle import Wishes
from testbed.runtimes.ports import Taken, is_free
from testbed.sitefile import LeftOut, SiteFile

FILE = """
services: {}
# ${FAILWHALE_EAST_PORT:-8443} ${FAILWHALE_WEST_PORT:-9443} ${FAILWHALE_PROMETHEUS_PORT:-9090}
"""


def service(kind: str, place: str | None = None, port: str | None = None, **more: Any) -> dict[str, Any]:
    labels = {"failwhale.service": kind} | ({"failwhale.place": place} if place else {})
    ports = [{"host_ip": "127.0.0.1", "published": port, "target": 1}] if port else []
    return {"image": "failwhale:1.0", "labels": labels | more.pop("labels", {}), "ports": ports, **more}


class Docker:
    """What Compose makes of the file, and what the engine has; notes what it is asked."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.environments: list[Mapping[str, str]] = []
        self.answers: dict[str, str | Failure] = {}
        """By the beginning of a command."""

    def compose(self, *words: str, environment: Mapping[str, str] | None = None) -> str:
        self.environments.append(environment or {})
        if "config" in words:
            return json.dumps({"services": self.services(environment or {})})
        return self.docker("compose", *words)

    def docker(self, *words: str) -> str:
        self.calls.append(list(words))
        for start, answer in self.answers.items():
            if " ".join(words).startswith(start):
                if isinstance(answer, Failure):
                    raise answer
                return answer
        return ""

    def services(self, environment: Mapping[str, str]) -> dict[str, Any]:
        port = {name: environment.get(f"FAILWHALE_{name.upper()}_PORT") for name in ("east", "west")}
        optional = {"failwhale.optional": "true"}
        return {
            "genesis": service("genesis", labels={"failwhale.kind": "setup"}),
            "frontend-east": service("frontend", "east", port["east"] or "8443", depends_on={"genesis": {}}),
            "frontend-west": service("frontend", "west", port["west"] or "9443"),
            "prometheus": service("prometheus", port="9090", labels=optional, image="prom/prometheus:v3"),
            "grafana": service(
                "grafana", labels=optional, image="grafana/grafana:12", depends_on={"prometheus": {}}
            ),
        }

    def asked(self, *beginning: str) -> list[list[str]]:
        return [words for words in self.calls if words[: len(beginning)] == list(beginning)]


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Docker:
    one = Docker()
    monkeypatch.setattr(host, "compose", one.compose)
    monkeypatch.setattr(host, "docker", one.docker)
    monkeypatch.setattr(host, "engine", lambda: "unix:///var/run/docker.sock")
    return one


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state")


@pytest.fixture
def look(docker: Docker, state: State, tmp_path: Path) -> Callable[..., DockerOutlook]:
    file = tmp_path / "compose.yml"
    file.write_text(FILE)

    def ahead(without: Collection[str] = (), **ports: int) -> DockerOutlook:
        return outlook.look_ahead(state, Wishes(file, ports, frozenset(without)), {})

    return ahead


# --- looking ahead ---


def test_parts_edges_and_a_project_of_its_own(look, state) -> None:
    outlook = look(east=18443)
    assert [part.name for part in outlook.parts] == [
        "frontend@east",
        "frontend@west",
        "genesis",
        "grafana",
        "prometheus",
    ]
    assert outlook.edges == {"east": "https://localhost:18443", "west": "https://localhost:9443"}
    assert outlook.project == project_of(state)
    assert outlook.project.startswith("failwhale-")
    assert outlook.project != project_of(State(state.path / "another"))


def test_the_default_folder_is_the_project_of_plain_docker_compose(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(host, "REPOSITORY", tmp_path)
    monkeypatch.delenv("COMPOSE_PROJECT_NAME", raising=False)
    ours = State(tmp_path / ".failwhale")
    assert project_of(ours) == "failwhale"
    (tmp_path / ".env").write_text("COMPOSE_PROJECT_NAME=second\n")
    assert project_of(ours) == "second"


def test_a_port_holds_until_it_is_chosen_anew(look, docker, state) -> None:
    beginning._keep(state, look(east=18443))
    assert look().edges["east"] == "https://localhost:18443"
    assert look(east=28443).edges["east"] == "https://localhost:28443"


@pytest.mark.parametrize(
    ("wishes", "cause"),
    [
        ({"nosuch": 1}, "no port is named 'nosuch'"),
        ({"without": {"nosuch"}}, "no part is named 'nosuch'"),
        ({"east": 9443}, "east and west ask for the same port, 9443"),
    ],
)
def test_what_cannot_be_done_is_said_before(look, wishes, cause) -> None:
    with pytest.raises(Failure, match=cause) as failure:
        look(**wishes)
    assert failure.value.code == 2


# --- the ports ---


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_is_said_before_anything_is_started(look, docker, taken) -> None:
    outlook = look(east=taken)
    with pytest.raises(Failure, match=f"port {taken}, which frontend@east needs, is taken by") as failure:
        obstacles.check_ports(outlook, only=["frontend@east"])
    assert f"(pid {os.getpid()})" in failure.value.message
    assert "failwhale up --port east=" in failure.value.next_step
    docker.answers["ps"] = "other-site-1\n"
    with pytest.raises(Failure, match="is taken by the container other-site-1"):
        obstacles.check_ports(outlook, only=["frontend@east"])


def test_all_taken_ports_are_said_at_once(look, docker, taken) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        other = server.getsockname()[1]
        outlook = look(east=taken, west=other)
        with pytest.raises(Taken) as failure:
            obstacles.check_ports(outlook, only=["frontend@east", "frontend@west"])
    assert f"port {taken}, which frontend@east needs, is taken by" in failure.value.message
    assert f"port {other}, which frontend@west needs, is taken by" in failure.value.message
    ports = failure.value.others
    assert set(ports) == {"east", "west"}
    assert all(is_free("127.0.0.1", port) for port in ports.values())
    options = f"failwhale up --port east={ports['east']} --port west={ports['west']}"
    assert failure.value.next_step == f"stop these, or ask for other ports: {options}"


def test_a_port_of_a_part_that_runs_or_of_another_machine_is_not_looked_at(look, taken, monkeypatch) -> None:
    outlook = look(east=taken)
    obstacles.check_ports(outlook, only=["genesis"])
    monkeypatch.setattr(host, "engine", lambda: "tcp://elsewhere:2375")
    obstacles.check_ports(outlook, only=["frontend@east"])


# --- the beginning ---


def begin(docker: Docker, state: State, outlook: DockerOutlook, monkeypatch: Any) -> list[str]:
    shown: list[list[str]] = []
    monkeypatch.setattr(beginning, "_shown", lambda words, variables, *, quiet: shown.append([*words]))
    docker.answers |= {"ps": "c0ffee\tp-chaos-1\tchaos\t\trunning\n", "exec": "the CA\n"}
    beginning.begin(state, outlook, 30, quiet=True)
    (words,) = shown
    return words


def test_compose_is_asked_for_what_shall_run_and_the_folder_knows_the_site(
    look, docker, state, monkeypatch
) -> None:
    outlook = look()
    words = begin(docker, state, outlook, monkeypatch)
    assert words[: words.index("up")] == [
        *("--project-name", outlook.project),
        *("--file", str(outlook.file)),
    ]
    assert {"--detach", "--build", "--wait"} <= set(words)
    assert words[-5:] == ["frontend-east", "frontend-west", "genesis", "grafana", "prometheus"]
    assert not [word for word in words if word.startswith("--scale")]
    assert (SiteFile.read(state).runtime, SiteFile.read(state).as_containers.through) == ("docker", "chaos")
    assert state.ca.read_text() == "the CA\n"


def test_what_is_left_out_gets_no_container_also_where_others_wait_for_it(
    look, docker, state, monkeypatch
) -> None:
    words = begin(docker, state, look(without={"prometheus"}), monkeypatch)
    assert "--scale=prometheus=0" in words
    assert "prometheus" not in words
    assert SiteFile.read(state).left_out == (LeftOut("prometheus", "as you said", ""),)
    words = begin(docker, state, look(without={"frontend@west"}), monkeypatch)
    assert "frontend-west" not in words
    assert not [word for word in words if word.startswith("--scale")]


def test_who_asks_is_told_by_a_variable_which_parts_there_are_not(look, docker, state, monkeypatch) -> None:
    told: list[Mapping[str, str]] = []
    monkeypatch.setattr(beginning, "_shown", lambda words, variables, *, quiet: told.append(variables))
    for without in ({"grafana"}, set()):
        beginning.begin(state, look(without=without), 30, quiet=True)
    assert [one["FAILWHALE_LEFT_OUT"] for one in told] == ["grafana", ""]


def test_optional_parts_whose_image_cannot_be_had_are_left_out_and_no_others(look, docker) -> None:
    docker.answers["image inspect --format {{.Id}} grafana"] = Failure("no such image")
    said: list[str] = []
    assert obstacles.without_what_cannot_be_had(look(), said.append).left_out == ()
    assert said == ["pulling grafana/grafana:12"]
    docker.answers["compose"] = Failure("no registry is reached")
    outlook = obstacles.without_what_cannot_be_had(look(), said.append)
    assert [(row.part, row.reason) for row in outlook.left_out] == [("grafana", "no registry is reached")]
    assert "grafana" not in [part.name for part in outlook.parts]


def test_what_does_not_run_is_missing_and_what_runs_cannot_be_left_out(look, docker) -> None:
    rows = [("frontend", "east", "running"), ("frontend", "west", "exited"), ("prometheus", "", "paused")]
    docker.answers["ps"] = "".join(f"id\tname\t{kind}\t{place}\t{how}\n" for kind, place, how in rows)
    assert obstacles.missing(look()) == ["frontend@west", "grafana"]
    with pytest.raises(Failure, match="prometheus runs already"):
        obstacles.missing(look(without={"prometheus"}))


SCRIPT = """
for line in $(seq 1 50); do echo "line $line" >&2; done
[ "$1" = well ] || { printf 'failwhale: it broke\\n  mend it\\n' >&2; exit 1; }
"""


@pytest.fixture
def script(tmp_path, monkeypatch) -> None:
    (tmp_path / "compose.sh").write_text(SCRIPT)
    monkeypatch.setattr(host, "COMPOSE_SH", tmp_path / "compose.sh")


@pytest.mark.usefixtures("script")
def test_without_a_terminal_compose_is_only_heard_when_it_fails(capfd) -> None:
    beginning._shown(["well"], {}, quiet=False)
    assert capfd.readouterr() == ("", "")
    with pytest.raises(Failure, match="it broke") as failure:
        beginning._shown(["badly"], {}, quiet=False)
    assert failure.value.next_step == "mend it"
    assert capfd.readouterr() == ("", "".join(f"line {number}\n" for number in range(31, 51)))
    with pytest.raises(Failure, match="it broke"):
        beginning._shown(["badly"], {}, quiet=True)
    assert capfd.readouterr() == ("", "")


# --- the end ---


@pytest.fixture
def up(look, docker, state, monkeypatch) -> DockerOutlook:
    outlook = look()
    begin(docker, state, outlook, monkeypatch)
    docker.calls.clear()
    docker.answers.clear()
    return outlook


@pytest.mark.parametrize("purge", [False, True])
def test_the_data_goes_only_when_asked(up, docker, state, purge) -> None:
    docker.answers |= {"volume ls": "pki\nstate\n", "ps": "left-1\n", "network ls": "edge\n"}
    assert ending.end(state, purge=purge) == []
    (down,) = docker.asked("compose")
    assert "down" in down
    assert ("--volumes" in down) == purge
    # Of the project, and of what stands beside it.
    assert docker.asked("rm") == [["rm", "--force", "left-1"]] * 2
    assert docker.asked("network", "rm") == [["network", "rm", "edge"]]
    assert docker.asked("volume", "rm") == ([["volume", "rm", "pki", "state"]] if purge else [])
    assert not state.ca.exists()


def test_an_end_without_the_file_still_removes_what_bears_the_projects_label(up, docker, state) -> None:
    up.file.unlink()
    docker.answers["ps"] = "left-1\n"
    ending.end(state)
    assert docker.asked("compose") == []
    assert docker.asked("rm") == [["rm", "--force", "left-1"]] * 2
    assert all(f"={up.project}" in words[-1] for words in docker.asked("ps"))


def test_a_network_that_the_engine_miscounts_is_returned_and_one_in_use_is_said(up, docker, state) -> None:
    docker.answers |= {
        "network ls": "edge\n",
        "network rm": host.NetworkInUse("docker network failed: network edge has active endpoints"),
    }
    assert ending.end(state) == ["edge"]
    docker.answers["network inspect"] = "somebodys \n"
    with pytest.raises(Failure, match="used by what is no part of this site: somebodys"):
        ending.end(state)


# --- what Docker's command line says ---


@pytest.mark.parametrize(
    ("said", "kind"),
    [("Error: network edge has active endpoints", host.NetworkInUse), ("Error: no such network", Failure)],
)
def test_a_network_in_use_is_told_apart_from_other_refusals(monkeypatch, tmp_path, said, kind) -> None:
    (tmp_path / "docker").write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(host, "compose", lambda *words: "")
    with pytest.raises(Failure, match=f"docker network failed: {said}") as failure:
        host.docker("network", "rm", "edge")
    assert type(failure.value) is kind


def test_containers_are_read_from_lines(docker) -> None:
    docker.answers["ps"] = "1\tp-post-east-1\tpost\teast\trunning\n2\tp-chaos-1\tchaos\t\texited\n"
    assert host.containers("p") == [
        Container("1", "p-post-east-1", "post@east", "running"),
        Container("2", "p-chaos-1", "chaos", "exited"),
    ]


@pytest.mark.parametrize(
    ("said", "message", "next_step"),
    [
        ("failwhale: p-1 is unhealthy\n  see it\n  stop it\n", "p-1 is unhealthy", "see it; stop it"),
        ("pulling\nfailwhale: port 1 is taken\n  choose another\n", "port 1 is taken", "choose another"),
        ("failwhale: one\n  a\nfailwhale: two\n", "two", ""),
        ("noise\nError response from daemon: no such thing\n\n", "no such thing", ""),
        ("", "it failed", ""),
    ],
)
def test_a_failure_is_read_back_from_what_was_said(said: str, message: str, next_step: str) -> None:
    failure = host.failure_of(said, 7)
    assert (failure.message, failure.next_step, failure.code) == (message, next_step, 7)
