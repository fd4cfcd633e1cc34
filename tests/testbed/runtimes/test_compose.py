from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from foundation.failure import USAGE, Failure
from testbed.runtimes.processes.compose import Compose, Healthcheck, Mount, Port, read

REPOSITORY = Path(__file__).parents[3]


def compose(tmp_path: Path, text: str, **variables: str) -> Compose:
    file = tmp_path / "docker-compose.yml"
    file.write_text(text)
    return read(file, variables)


def service(tmp_path: Path, **keys: object) -> str:
    body = {"command": ["run"], **keys}
    return yaml.safe_dump({"services": {"web": body, "other": {"command": "run"}}, "volumes": {"data": None}})


def test_reads_all_that_it_honours(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    read_back = compose(
        tmp_path,
        """
name: example
x-base: &base
  image: something
  restart: unless-stopped
  environment: &environment {SHARED: "1", OVER: base}
services:
  db:
    <<: *base
    command: run --fast "two words"
  web:
    <<: *base
    entrypoint: ["/bin/sh", "-c"]
    command: ["serve"]
    environment: {<<: *environment, OVER: "${CHOICE:-mine}", NUMBER: 5, FLAG: true, HANDED_ON: , ABSENT: }
    labels: ["failwhale.service=web"]
    depends_on: {db: {condition: service_healthy}}
    healthcheck: {test: ["CMD", "check", "me"], interval: 1m, timeout: 1m30s, start_interval: 200ms}
    ports: ["8443:443", "127.0.0.1:${PORT:-9443}:444/tcp", {target: 445, published: 9445, host_ip: 127.0.0.1}]
    expose: [8000]
    volumes: ["data:/data", "./conf:/etc/conf:ro", {type: volume, source: data, target: /more}]
    stop_signal: SIGINT
    stop_grace_period: 1m
    profiles: [extra]
    working_dir: /data
    cap_drop: [ALL]
    deploy: {resources: {limits: {memory: 1g}}}
volumes:
  data:
networks:
  default:
""",
        HANDED_ON="from outside",
    )
    web = read_back.services["web"]
    assert web.words == ("/bin/sh", "-c", "serve")
    assert web.environment == {
        "SHARED": "1",
        "OVER": "mine",
        "NUMBER": "5",
        "FLAG": "true",
        "HANDED_ON": "from outside",
    }
    assert web.labels == {"failwhale.service": "web"}
    assert web.depends_on == {"db": "service_healthy"}
    assert web.healthcheck == Healthcheck(("check", "me"), timeout=90, start_interval=0.2)
    assert web.ports == (
        Port("0.0.0.0", 8443, 443),
        Port("127.0.0.1", 9443, 444),
        Port("127.0.0.1", 9445, 445),
    )
    assert web.expose == (8000,)
    assert web.mounts == (
        Mount("data", "/data"),
        Mount(tmp_path / "conf", "/etc/conf"),
        Mount("data", "/more"),
    )
    assert (web.stop_signal, web.stop_grace_period, web.restart) == ("SIGINT", 60, "unless-stopped")
    assert (web.profiles, web.working_dir) == (("extra",), "/data")
    assert read_back.services["db"].words == ("run", "--fast", "two words")
    assert read_back.services["db"].environment == {"SHARED": "1", "OVER": "base"}
    assert read_back.project == "example"
    assert {"CHOICE", "PORT"} <= read_back.variables
    assert set(read_back.set_aside) == {
        ("the file", "networks"),
        ("db", "image"),
        ("web", "image"),
        ("web", "cap_drop"),
        ("web", "deploy.resources"),
    }


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"extra_hosts": ["a:1.2.3.4"]}, "extra_hosts"),
        ({"env_file": ".env"}, "env_file"),
        ({"extends": {"service": "other"}}, "extends"),
        ({"secrets": ["x"]}, "secrets"),
        ({"deploy": {"replicas": 3}}, "deploy.replicas"),
        ({"healthcheck": {"test": ["CMD", "x"], "paint": "red"}}, "healthcheck.paint"),
        (
            {"depends_on": {"other": {"condition": "service_started", "restart": True}}},
            "depends_on.other.restart",
        ),
        ({"ports": [{"target": 1, "published": 2, "protocol": "udp"}]}, "ports.protocol"),
    ],
)
def test_refuses_a_key_it_cannot_honour(tmp_path: Path, keys: dict[str, object], named: str) -> None:
    with pytest.raises(Failure) as raised:
        compose(tmp_path, service(tmp_path, **keys))
    assert raised.value.code == USAGE
    assert f"'{named}' cannot be honoured" in raised.value.message
    assert "docker-compose.yml, service web" in raised.value.message


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"command": None}, "neither command nor entrypoint"),
        ({"restart": "sometimes"}, "no restart policy"),
        ({"depends_on": ["nobody"]}, "depends on 'nobody'"),
        ({"depends_on": {"other": {"condition": "when_ready"}}}, "'when_ready' is no condition"),
        ({"volumes": ["undeclared:/x"]}, "'undeclared' is not declared"),
        ({"volumes": ["./absent:/x"]}, "does not exist"),
        ({"volumes": ["justone"]}, "not of the form"),
        ({"ports": ["8443"]}, "not of the form"),
        ({"ports": ["8000-8010:8000-8010"]}, "not of the form"),
        ({"expose": ["http"]}, "not one port number"),
        ({"stop_grace_period": "soon"}, "not a duration"),
        ({"healthcheck": {"test": ["check"]}}, "begins with neither"),
        ({"environment": {"A": {"b": 1}}}, "environment.A must be one value"),
        ({"environment": {"A": "${A:?is needed}"}}, "is needed"),
    ],
)
def test_says_what_is_wrong_and_where(tmp_path: Path, keys: dict[str, object], reason: str) -> None:
    with pytest.raises(Failure, match=reason) as raised:
        compose(tmp_path, service(tmp_path, **keys))
    assert "service web" in raised.value.message


@pytest.mark.parametrize("text", ["a: [", "just text", "services: {web: {command: x}}\nsecrets: {}"])
def test_refuses_a_file_that_is_none(tmp_path: Path, text: str) -> None:
    with pytest.raises(Failure, match=r"docker-compose\.yml"):
        compose(tmp_path, text)


def test_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="there is no"):
        read(tmp_path / "absent.yml", {})


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ("curl x | grep y", ("sh", "-c", "curl x | grep y")),
        (["CMD-SHELL", "curl x"], ("sh", "-c", "curl x")),
        (["NONE"], None),
    ],
)
def test_shapes_of_a_health_check(tmp_path: Path, test: object, words: tuple[str, ...] | None) -> None:
    check = compose(tmp_path, service(tmp_path, healthcheck={"test": test})).services["web"].healthcheck
    assert (check.words if check else None) == words


def test_the_site_itself_can_be_read() -> None:
    site = read(REPOSITORY / "docker-compose.yml", {})
    contained = {"read_only", "tmpfs", "cap_drop", "security_opt", "pids_limit", "cpus", "mem_limit", "user"}
    contained |= {"logging"}
    assert {key for _, key in site.set_aside} == {
        "image",
        "build",
        "pull_policy",
        "networks",
        "network_mode",
        "dns",
        "dns_opt",
        "cap_add",
        "volumes./var/run/docker.sock",
        "environment.ENGINE",
        *contained,
    }
    checks = [service.healthcheck for service in site.services.values() if not service.is_container_only]
    assert {check.start_interval for check in checks if check} == {0.1, 0.2}
    assert {"FAILWHALE_EAST_PORT", "FAILWHALE_WEST_PORT", "FAILWHALE_PROMETHEUS_PORT"} <= site.variables


def test_the_engine_is_no_concern_of_a_plain_process(tmp_path: Path) -> None:
    short = service(
        tmp_path,
        volumes=["/absent/docker.sock:/var/run/docker.sock", "data:/data"],
        environment={"ENGINE": "unix:///var/run/docker.sock", "STATE": "/data"},
    )
    long = service(
        tmp_path,
        volumes=[
            {"type": "bind", "source": "/absent", "target": "/var/run/docker.sock", "bind": {"any": "thing"}}
        ],
    )
    read_back = compose(tmp_path, short)
    assert read_back.services["web"].mounts == (Mount("data", "/data"),)
    assert read_back.services["web"].environment == {"STATE": "/data"}
    assert {("web", "volumes./var/run/docker.sock"), ("web", "environment.ENGINE")} <= set(
        read_back.set_aside
    )
    assert compose(tmp_path, long).services["web"].mounts == ()


def test_what_runs_in_containers_only_needs_no_command(tmp_path: Path) -> None:
    text = "services: {web: {image: some, labels: {failwhale.runtime: docker}}}"
    assert compose(tmp_path, text).services["web"].is_container_only
