"""docker/compose.sh: every known failure of Docker is a line with a next step; the rest passes through.

The messages are those that engines from 20.10 to 29 and Compose from 1 to 2.40 really give.
"""

# ruff: noqa: E501 - the messages stand as they are given

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SCRIPT = REPOSITORY / "docker" / "compose.sh"

FAKE = """#!/bin/sh
echo "$*" >>"$FAKE/calls"
case "$*" in
    "version "*) ! [ -e "$FAKE/engine" ] || { cat "$FAKE/engine" >&2; exit 1; }; echo 28.2.2 ;;
    "compose version --short") cat "$FAKE/compose"; exit "$(cat "$FAKE/compose-code")" ;;
    "context inspect"*) echo "unix://$FAKE/docker.sock" ;;
    "info "*) echo /var/lib/docker ;;
    "image inspect"*) exit 1 ;;
    "ps "*) cat "$FAKE/holder" 2>/dev/null ;;
    "compose"*"config --images") echo failwhale:1.0; echo redis:7.4.10-bookworm ;;
    "compose "*) cat "$FAKE/said" >&2; echo "to stdout"; exit "$(cat "$FAKE/code")" ;;
esac
"""


class Docker:
    """A `docker` that says what it is told to say."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = folder / "bin" / "docker"
        command.parent.mkdir()
        command.write_text(FAKE)
        command.chmod(0o755)
        self.has(said="", code=0, compose="2.40.3")

    def has(self, said: str, code: int = 1, compose: str = "2.40.3", compose_code: int = 0) -> None:
        (self.folder / "said").write_text(said + "\n")
        (self.folder / "code").write_text(str(code))
        (self.folder / "compose").write_text(compose + "\n")
        (self.folder / "compose-code").write_text(str(compose_code))

    @property
    def environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("FAILWHALE_", "COMPOSE_", "DOCKER_"))
        }
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        return {**kept, "PATH": path, "FAKE": str(self.folder), "DOCKER_SOCKET": "/x.sock"}

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()

    def compose(self, *words: str, **settings: str) -> tuple[int, str, str]:
        done = subprocess.run(
            ["sh", str(SCRIPT), *words],
            env={**self.environment, **settings},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
        )
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def docker(tmp_path: Path) -> Docker:
    return Docker(tmp_path)


def test_what_goes_well_passes_through(docker: Docker) -> None:
    docker.has(" Container failwhale-chaos-1  Started", code=0)
    code, out, err = docker.compose("up", "-d", "--wait", "a name with 'quotes'")
    assert (code, out, err) == (0, "to stdout\n", " Container failwhale-chaos-1  Started\n")
    assert docker.calls[-1] == "compose up -d --wait a name with 'quotes'"


@pytest.mark.parametrize("words", [["exec", "chaos", "failwhale", "status"], ["logs", "-f"], ["ps"]])
def test_what_only_looks_is_left_alone(docker: Docker, words: list[str]) -> None:
    docker.has("Error response from daemon: anything", code=7)
    assert docker.compose("-p", "up", *words) == (7, "to stdout\n", "Error response from daemon: anything\n")


@pytest.mark.parametrize(
    ("host", "chosen", "dotenv", "given"),
    [
        ("unix:///run/user/1000/docker.sock", "", "", "/run/user/1000/docker.sock"),
        ("unix:///run/user/1000/docker.sock", "/mine.sock", "", "/mine.sock"),
        ("unix:///run/user/1000/docker.sock", "", "DOCKER_SOCKET=/mine.sock", ""),  # Compose reads it there
        # As .env.example has it, which is copied whole to change a port.
        (
            "unix:///run/user/1000/docker.sock",
            "",
            "DOCKER_SOCKET=/var/run/docker.sock",
            "/run/user/1000/docker.sock",
        ),
        ("unix:///run/user/1000/docker.sock", "", "#DOCKER_SOCKET=/mine.sock", "/run/user/1000/docker.sock"),
        ("unix:///var/run/docker.sock", "", "", ""),
        ("unix:///Users/me/.docker/run/docker.sock", "", "", ""),  # its machine has it at the usual place
        ("tcp://10.0.0.1:2376", "", "", ""),
    ],
)
def test_the_controller_gets_the_socket_of_the_engine_that_is_meant(
    docker: Docker, tmp_path: Path, host: str, chosen: str, dotenv: str, given: str
) -> None:
    script = tmp_path / "clone" / "docker" / "compose.sh"
    script.parent.mkdir(parents=True)
    script.write_text(SCRIPT.read_text())
    (tmp_path / "clone" / ".env").write_text(dotenv + "\n")
    command = tmp_path / "bin" / "docker"
    command.write_text(FAKE.replace("#!/bin/sh\n", '#!/bin/sh\necho "${DOCKER_SOCKET:-}" >"$FAKE/socket"\n'))
    done = subprocess.run(
        ["sh", str(script), "up", "-d"],
        env={**docker.environment, "DOCKER_HOST": host, "DOCKER_SOCKET": chosen},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "socket").read_text() == given + "\n"


def test_docker_is_missing(docker: Docker, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "dirname"):
        (tools / name).symlink_to(f"/bin/{name}" if Path(f"/bin/{name}").exists() else f"/usr/bin/{name}")
    code, _, err = docker.compose("up", PATH=str(tools))
    assert (code, len(err.splitlines())) == (1, 2)
    assert err.startswith("failwhale: docker is missing\n  install Docker")


DOWN = "no Docker engine answers at unix:///"
FORBIDDEN = "no permission to talk to Docker's engine: its socket "


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (
            "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
            DOWN,
        ),
        (
            "failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct "
            "and if the daemon is running: dial unix /var/run/docker.sock: connect: no such file or directory",
            DOWN,
        ),
        (
            'error during connect: Get "http://docker.example:2375/v1.24/version": dial tcp: no such host',
            DOWN,
        ),
        (
            "Got permission denied while trying to connect to the Docker daemon socket at "
            'unix:///var/run/docker.sock: Get "http://%2Fvar%2Frun%2Fdocker.sock/v1.24/version": '
            "dial unix /var/run/docker.sock: connect: permission denied",
            FORBIDDEN,
        ),
        (
            "permission denied while trying to connect to the docker API at unix:///var/run/docker.sock",
            FORBIDDEN,
        ),
        ("Error response from daemon: client version 1.22 is too old.", "Docker's engine cannot be used"),
    ],
)
def test_the_engine_cannot_be_used(docker: Docker, said: str, cause: str) -> None:
    (docker.folder / "engine").write_text(said + "\n")
    (docker.folder / "docker.sock").touch()
    for words in (["up", "-d"], ["exec", "chaos", "true"]):
        code, out, err = docker.compose(*words)
        assert (code, out, len(err.splitlines())) == (1, "", 2)
        assert err.startswith(f"failwhale: {cause}")


def test_without_permission_the_group_is_named(docker: Docker) -> None:
    (docker.folder / "engine").write_text("permission denied while trying to connect to the docker API\n")
    (docker.folder / "docker.sock").touch()
    group = (docker.folder / "docker.sock").group()
    _, _, err = docker.compose("up")
    assert f"is for the group {group}" in err
    assert f"sudo usermod -aG {group} " in err


@pytest.mark.parametrize(
    ("version", "code", "cause"),
    [
        ("docker: 'compose' is not a docker command.\nSee 'docker --help'", 1, "Docker Compose is missing"),
        ("unknown shorthand flag: 'd' in -d", 125, "Docker Compose is missing"),
        ("1.29.2", 0, "Docker Compose 1.29.2 is too old"),
        ("2.16.0", 0, "Docker Compose 2.16.0 is too old"),
        ("v2.6.1", 0, "Docker Compose 2.6.1 is too old"),
    ],
)
def test_compose_is_missing_or_too_old(docker: Docker, version: str, code: int, cause: str) -> None:
    docker.has("", compose=version, compose_code=code)
    ended, out, err = docker.compose("up", "-d")
    assert (ended, out, len(err.splitlines())) == (1, "", 2)
    assert err.startswith(f"failwhale: {cause}")
    assert "docker-compose-plugin" in err


@pytest.mark.parametrize("version", ["2.17.0", "v2.40.3", "2.29.2-desktop.2", "2.26.1+ds1-1", "5.0.1"])
def test_compose_is_new_enough(docker: Docker, version: str) -> None:
    docker.has("", code=0, compose=version)
    assert docker.compose("up", "-d")[0] == 0


ENDPOINT = (
    "driver failed programming external connectivity on endpoint failwhale-frontend-east-1 (0d556846e6aa)"
)
TAKEN = "port 8443 is taken by another program"
FULL = "the disk is full where Docker keeps images and volumes (/var/lib/docker)"
UNREACHED = "the image redis:7.4.10-bookworm cannot be pulled: no registry is reached"


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (
            f"Error response from daemon: {ENDPOINT}: Bind for 127.0.0.1:8443 failed: port is already allocated",
            TAKEN,
        ),
        (
            f"Error response from daemon: {ENDPOINT}: Error starting userland proxy: listen tcp4 127.0.0.1:8443: "
            "bind: address already in use",
            TAKEN,
        ),
        (
            "Error response from daemon: failed to set up container networking: "
            f"{ENDPOINT}: failed to bind host port for 127.0.0.1:8443:172.18.0.2:8443/tcp: address already in use",
            TAKEN,
        ),
        (
            f"Error response from daemon: {ENDPOINT}: failed to bind host port 127.0.0.1:8443/tcp: "
            "address already in use",
            TAKEN,
        ),
        (
            "Error response from daemon: Ports are not available: exposing port TCP 127.0.0.1:8443 -> 127.0.0.1:0: "
            "listen tcp4 127.0.0.1:8443: bind: address already in use",
            TAKEN,
        ),
        (
            "(HTTP code 500) server error - Ports are not available: exposing port TCP 0.0.0.0:8443 -> "
            "127.0.0.1:0: listen tcp 0.0.0.0:8443: bind: An attempt was made to access a socket in a way "
            "forbidden by its access permissions.",
            TAKEN,
        ),
        (
            "failed to register layer: Error processing tar file(exit status 1): write /usr/bin/python3: "
            "no space left on device",
            FULL,
        ),
        ("#12 ERROR: failed to copy: write /var/lib/docker/buildkit/x: no space left on device", FULL),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"
            'failed to solve: process "/bin/sh -c pip install" did not complete successfully: exit code: 1',
            FULL,
        ),
        (
            ' redis Error Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such hos...\n'
            'Error response from daemon: Get "https://registry-1.docker.io/v2/": dial tcp: lookup '
            "registry-1.docker.io on 127.0.0.53:53: no such host",
            UNREACHED,
        ),
        (
            'Error response from daemon: Get "https://registry-1.docker.io/v2/": net/http: request canceled while '
            "waiting for connection (Client.Timeout exceeded while awaiting headers)",
            UNREACHED,
        ),
        (
            "failed to solve: python:3.11.15-slim-bookworm: failed to resolve source metadata for "
            'docker.io/library/python:3.11.15-slim-bookworm: failed to do request: Head "https://registry-1.docker.io'
            '/v2/library/python/manifests/3.11": tls: failed to verify certificate: x509: certificate signed by '
            "unknown authority",
            "the image python:3.11.15-slim-bookworm cannot be pulled: no registry is reached",
        ),
        (
            'failed to resolve reference "docker.io/library/redis:7.4.10-bookworm": failed to do request: '
            "Head: proxyconnect tcp: dial tcp 10.0.0.1:3128: connect: connection refused",
            UNREACHED,
        ),
        (
            "toomanyrequests: You have reached your unauthenticated pull rate limit.",
            "the registry refuses more pulls for now",
        ),
        (
            "Error response from daemon: manifest for prom/prometheus:v0.1 not found: manifest unknown",
            "an image is not to be had: ",
        ),
        (
            "WARNING: Retrying after connection broken by 'NewConnectionError(...)': /simple/docker/\n"
            "ERROR: No matching distribution found for docker==7.1.0",
            "the Python packages cannot be fetched while building",
        ),
        (
            'Error response from daemon: invalid mount config for type "bind": bind source path does not exist: '
            "/run/docker/other.sock",
            "the engine's socket is not at /run/docker/other.sock",
        ),
        (
            "dependency failed to start: container failwhale-sentinel-west-1 is unhealthy",
            "container failwhale-sentinel-west-1 is unhealthy",
        ),
        ("container failwhale-genesis-1 exited (1)", "container failwhale-genesis-1 exited (1)"),
        ("something\nnobody knows yet", "docker compose up failed: nobody knows yet"),
    ],
)
def test_a_failure_is_one_line_and_a_next_step(docker: Docker, said: str, cause: str) -> None:
    docker.has(said)
    code, _, err = docker.compose("-p", "second", "up", "-d", "--wait")
    assert code == 1
    assert err.startswith(said + "\n")
    assert err[len(said) :].splitlines()[1].startswith(f"failwhale: {cause}")
    assert re.fullmatch(r"  \S.*", err.splitlines()[-1])


@pytest.mark.parametrize(("settings", "between"), [({}, "; "), ({"STEPS_APART": "yes"}, "\n  ")])
def test_a_program_gets_each_next_step_on_a_line_of_its_own(
    docker: Docker, settings: dict[str, str], between: str
) -> None:
    docker.has("dependency failed to start: container p-1 is unhealthy")
    _, _, err = docker.compose("up", "-d", "--wait", **settings)
    steps = ("see: docker logs --tail 20 p-1", "stop what runs: failwhale down, or docker compose down")
    assert err.endswith(f"failwhale: container p-1 is unhealthy\n  {between.join(steps)}\n")


def test_the_holder_of_a_port_and_the_setting_that_changes_it(docker: Docker) -> None:
    docker.has(f"{ENDPOINT}: Bind for 127.0.0.1:9443 failed: port is already allocated")
    (docker.folder / "holder").write_text("other-site-1\n")
    _, _, err = docker.compose("up", "-d")
    assert "failwhale: port 9443 is taken by the container other-site-1\n" in err
    assert "FAILWHALE_WEST_PORT=19443 in .env, or failwhale up --port west=19443" in err
    docker.has(f"{ENDPOINT}: Bind for 127.0.0.1:60000 failed: port is already allocated")
    _, _, err = docker.compose("up", "-d", FAILWHALE_PROMETHEUS_PORT="60000")
    assert "FAILWHALE_PROMETHEUS_PORT=20000 in .env" in err


def test_grafana_has_no_stand_in(docker: Docker) -> None:
    docker.has(
        "failed to resolve source metadata for docker.io/grafana/grafana:12.4.11: dial tcp: i/o timeout"
    )
    _, _, err = docker.compose("up", "-d")
    assert "the image grafana/grafana:12.4.11 cannot be pulled" in err
    assert "make docker-up-bare" in err


@pytest.mark.parametrize("said", ["unknown flag: --nosuch", "no such service: psot-east"])
def test_a_mistake_is_a_mistake(docker: Docker, said: str) -> None:
    docker.has(said, code=16)
    code, _, err = docker.compose("up", "--nosuch")
    assert code == 2
    assert f"failwhale: {said}\n  see: docker compose --help\n" in err


def test_an_interruption_is_no_failure(docker: Docker) -> None:
    docker.has("canceled", code=130)
    assert docker.compose("up", "-d") == (130, "to stdout\n", "canceled\n")


NO_BUILD = (
    ' chaos Warning Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io on 127.0.0.53:53: no such host\n'
    "failed to solve: executor failed running [/bin/sh -c pip install]: exit code: 1"
)
"""That Compose looked for our own image before it built it is no cause."""


def test_the_builder_says_why_on_stdout(docker: Docker) -> None:
    docker.has(NO_BUILD)
    fake = docker.folder / "bin" / "docker"
    why = "#9 8.6 ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
    fake.write_text(FAKE.replace('echo "to stdout"', f'echo "{why}"'))
    code, out, err = docker.compose("up", "-d")
    assert (code, out) == (1, f"{why}\n")
    assert err.splitlines()[-2] == f"failwhale: {FULL}"


@pytest.mark.parametrize("command", ["up", "run"])
def test_what_may_go_on_for_ever_is_not_written_down(docker: Docker, command: str) -> None:
    docker.has(NO_BUILD)
    fake = docker.folder / "bin" / "docker"
    fake.write_text(FAKE.replace('echo "to stdout"', 'echo "no space left on device"'))
    code, out, err = docker.compose(command)
    assert (code, out) == (1, "no space left on device\n")
    assert err.splitlines()[-2].startswith(f"failwhale: docker compose {command} failed: failed to solve")


def test_on_a_terminal_compose_has_one_too(docker: Docker) -> None:
    docker.has("no space left on device")
    fake = docker.folder / "bin" / "docker"
    fake.write_text(FAKE.replace('cat "$FAKE/said" >&2', 'cat "$FAKE/said" >&2; [ -t 2 ] && echo drawn >&2'))
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["sh", str(SCRIPT), "up", "-d", "it's"],
        env=docker.environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while more := os.read(ours, 1000):
            shown += more
    except OSError:
        pass  # the other side is closed
    os.close(ours)
    assert process.wait(timeout=20) == 1
    lines = shown.decode().replace("\r", "").splitlines()
    assert lines[:2] == ["no space left on device", "drawn"]
    assert lines[-2] == f"failwhale: {FULL}"
    assert "compose up -d it's" in docker.calls


def test_nothing_is_left_behind(docker: Docker, tmp_path: Path) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    docker.has("anything")
    assert docker.compose("up", "-d", TMPDIR=str(folder))[0] == 1
    assert list(folder.iterdir()) == []
