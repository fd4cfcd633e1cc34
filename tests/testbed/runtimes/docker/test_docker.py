"""The verbs of the runtime on a real engine, done to a container of our own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from foundation.failure import Failure
from foundation.state import State
from testbed.inventory import Inventory
from testbed.runtimes.docker import client
from testbed.runtimes.docker.client import Docker

PART = "link@east"


def wait_until(condition: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)


# --- the process ---


def test_what_is_killed_stays_down_until_it_is_started(docker: Docker) -> None:
    assert docker.is_running(PART)
    for _ in range(2):
        docker.kill(PART)
        assert not docker.is_running(PART)
    for _ in range(2):
        docker.start(PART)
        assert docker.is_running(PART)


def test_what_dies_by_itself_is_restarted_and_counted(docker: Docker) -> None:
    docker.execute(PART, ["sh", "-c", "kill -TERM 1"])

    def restarted() -> bool:
        (status,) = docker.status()
        return status.running and status.restarts == 1

    wait_until(restarted, "restarted by Docker")


def test_stop_asks_first_and_it_stays_down(docker: Docker, project: Any) -> None:
    for _ in range(2):
        docker.stop(PART)
    assert not docker.is_running(PART)
    assert project.connection.container(project.container)["State"]["ExitCode"] == 1  # it was asked


def test_a_paused_part_runs_and_does_nothing(docker: Docker) -> None:
    for _ in range(2):
        docker.pause(PART)
        assert docker.is_paused(PART)
    assert docker.is_running(PART)
    for _ in range(2):
        docker.resume(PART)
        assert not docker.is_paused(PART)


def test_what_is_paused_can_be_killed_and_what_is_down_cannot_be_paused(docker: Docker) -> None:
    docker.pause(PART)
    docker.kill(PART)
    assert not docker.is_running(PART)
    docker.pause(PART)
    assert not docker.is_paused(PART)


def test_leases_are_kept_by_nobody(docker: Docker) -> None:
    docker.arm("kill-1:link@east", PART, "start", 0.01)
    docker.disarm("kill-1:link@east")


def test_a_command_inside_says_what_it_says(docker: Docker) -> None:
    done = docker.execute(PART, ["sh", "-c", "echo here; exit 3"])
    assert (done.code, done.output) == (3, "here\n")
    docker.kill(PART)
    with pytest.raises(Failure, match="not running"):
        docker.execute(PART, ["true"])


# --- the networks ---


def on_networks(project: Any) -> dict[str, set[str]]:
    seen = project.connection.container(project.container)
    return {
        name.rpartition("_")[2]: set(end["Aliases"]) - {seen["Id"][:12]}
        for name, end in seen["NetworkSettings"]["Networks"].items()
    }


def test_a_part_is_cut_off_and_comes_back_under_the_same_names(docker: Docker, project: Any) -> None:
    before = on_networks(project)
    assert before == {key: {"link-east", project.container} for key in ("edge", "east")}
    assert not docker.is_cut(PART)
    for _ in range(2):
        docker.cut(PART, keep=("east",))
        assert on_networks(project).keys() == {"east"}
        assert docker.is_cut(PART)
    for _ in range(2):
        docker.join(PART)
        assert on_networks(project) == before
        assert not docker.is_cut(PART)


def test_it_may_be_cut_off_from_everything_also_while_it_is_down(docker: Docker, project: Any) -> None:
    before = on_networks(project)
    docker.cut(PART)
    assert on_networks(project) == {}
    docker.kill(PART)
    docker.start(PART)  # Docker puts what is on no network on its first one, but without its names
    docker.join(PART)
    assert on_networks(project) == before


def test_who_opens_the_site_during_a_cut_still_knows_where_it_belongs(
    docker: Docker, state: State, project: Any
) -> None:
    before = on_networks(project)
    docker.cut(PART)
    successor = Docker(state, project.connection)
    assert successor.is_cut(PART)
    successor.join(PART)
    assert on_networks(project) == before


# --- the processor ---


def limits(project: Any) -> tuple[int, int]:
    host = project.connection.container(project.container)["HostConfig"]
    return host["NanoCpus"], host["Memory"]


def test_a_starved_part_is_held_back_and_given_back_its_own(
    docker: Docker, state: State, project: Any
) -> None:
    before = limits(project)

    def work() -> None:
        docker.execute(PART, ["sh", "-c", "i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done"])

    for _ in range(2):
        docker.starve("lease", PART, 0.05, 60)
        assert docker.is_starved(PART)
    assert limits(project) == (50_000_000, before[1])
    assert docker.held_back(PART, work) > 0
    successor = Docker(state, project.connection)
    assert successor.is_starved(PART)
    for _ in range(2):
        successor.feed(PART)
        assert not successor.is_starved(PART)
    assert limits(project) == before


# --- open files ---


def test_a_part_may_open_few_files_until_it_is_allowed_more(docker: Docker) -> None:
    assert not docker.lacks_files(PART)
    docker.limit_files(PART, 20)
    assert docker.lacks_files(PART)
    for _ in range(2):
        docker.allow_files(PART)
        assert not docker.lacks_files(PART)


def test_a_part_that_is_restarted_is_young(docker: Docker) -> None:
    before = docker.age(PART)
    docker.restart(PART)
    assert docker.age(PART) < before + 1
    docker.kill(PART)
    assert not docker.lacks_files(PART)
    with pytest.raises(Failure, match="is not running"):
        docker.age(PART)


# --- beside a part ---


def test_what_runs_beside_a_part_is_on_its_network_and_no_part_of_the_site(
    docker: Docker, project: Any
) -> None:
    """Even with an image that Compose has built, whose labels a container inherits."""
    client, name = project.client, f"{project.name}-beside"
    image = client.commit(project.container, conf={"Labels": project.label(service="chaos")})["Id"]
    try:
        words = ["sh", "-c", "hostname; id -u"]
        assert docker._engine.run_beside(project.container, name, image, words, project.name)[0] == 0
        assert docker._engine.made(name) is not None
        names = [row["Names"][0].lstrip("/") for row in docker._engine.containers(project.name)]
        assert names == [project.container]
    finally:
        for _ in range(2):
            docker._engine.remove(name)
        client.remove_image(image)
    assert docker._engine.made(name) is None


# --- what there is ---


def test_the_site_file_says_what_the_containers_are(docker: Docker, state: State, project: Any) -> None:
    (part,) = Inventory.of(state).parts
    assert (part.name, part.address()) == (PART, ("link-east", 6379))
    (status,) = docker.status()
    assert (status.container, status.release, status.running) == (project.container, "1.0", True)
    assert not status.ready  # nobody listens in it
    assert status.memory_bytes


def test_what_a_part_takes_is_what_the_kernel_counts(docker: Docker, project: Any) -> None:
    before = docker.usage(PART)
    assert before.memory_limit == limits(project)[1]
    docker.execute(PART, ["sh", "-c", "i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done"])
    after = docker.usage(PART)
    assert after.cpu_seconds > before.cpu_seconds + 0.02
    assert 0 < after.memory_bytes < before.memory_limit
    docker.kill(PART)
    with pytest.raises(Failure, match="is not running"):
        docker.usage(PART)


def test_parts_do_not_wait_for_each_other_to_be_looked_at(docker: Docker, monkeypatch: Any) -> None:
    parts = Inventory.of(docker._state).parts * 25
    monkeypatch.setattr(Inventory, "of", classmethod(lambda kind, state: kind(parts, {})))
    together = threading.Barrier(len(parts), timeout=10)  # an engine that lets all wait for the same tick
    monkeypatch.setattr(docker._engine, "usage", lambda name: (0.0, together.wait()))
    assert len(docker.status()) == len(parts)


def test_a_container_that_was_made_anew_is_taken_as_it_is(docker: Docker, project: Any) -> None:
    docker.cut(PART)
    docker.starve("lease", PART, 0.1, 60)
    project.make()
    assert docker.is_running(PART)
    assert not docker.is_cut(PART)
    assert not docker.is_starved(PART)


def test_what_does_not_exist_is_named(docker: Docker, project: Any) -> None:
    with pytest.raises(Failure, match="no part is named 'link@west'") as unknown:
        docker.kill("link@west")
    assert PART in unknown.value.next_step
    project.remove()
    with pytest.raises(Failure, match="no container of the project"):
        docker.kill(PART)


def test_the_controller_does_not_end_itself(docker: Docker) -> None:
    with pytest.raises(Failure, match="from inside its own container") as refused:
        docker.kill("chaos")
    assert "docker compose restart chaos" in refused.value.next_step


def test_few_start_at_once(docker: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start is over for the next one when somebody listens, or after a while."""
    monkeypatch.setattr(client, "UNDER_WAY_SECONDS", 0.3)
    under_way = most = 0
    counting = threading.Lock()
    real = docker._let_start

    def let_start(part: str) -> None:
        nonlocal under_way, most
        with counting:
            under_way += 1
            most = max(most, under_way)
        real(part)
        with counting:
            under_way -= 1

    monkeypatch.setattr(docker, "_let_start", let_start)
    monkeypatch.setattr(docker, "is_running", lambda part: False)
    starting = [threading.Thread(target=docker.start, args=(PART,)) for _ in range(5)]
    for thread in starting:
        thread.start()
    for thread in starting:
        thread.join()
    assert most == client.STARTS_AT_ONCE
