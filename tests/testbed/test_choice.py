"""Which runtime carries a site, and why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from site_files import write_site

from foundation.failure import Failure
from foundation.state import State
from testbed.choice import Choice, choose, lifecycle_of, runtime_of
from testbed.sitefile import OtherForm

WITH_WISH = 'x-runtime: "${FAILWHALE_RUNTIME:-docker}"\nservices: {}\n'
WITHOUT = "services: {}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "compose.yml"
    file.write_text(WITHOUT)
    return file


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state")


def is_on(state: State, runtime: str) -> None:
    write_site(state, on=runtime)  # type: ignore[arg-type]


def test_processes_need_nothing_and_are_the_last_resort(state: State, file: Path) -> None:
    assert choose(state, None, file, {}) == Choice("processes", "which need nothing installed")


def test_the_file_says_so(state: State, file: Path) -> None:
    file.write_text(WITH_WISH)
    assert choose(state, None, file, {}) == Choice("docker", "as compose.yml says")


def test_the_environment_and_dotenv_say_so(state: State, file: Path) -> None:
    file.write_text(WITH_WISH)
    dotenv = file.parent / ".env"
    dotenv.write_text("FAILWHALE_RUNTIME=processes\n")
    assert choose(state, None, file, {}) == Choice("processes", f"as FAILWHALE_RUNTIME says in {dotenv}")
    chosen = choose(state, None, file, {"FAILWHALE_RUNTIME": "docker"})
    assert chosen == Choice("docker", "as FAILWHALE_RUNTIME says")


def test_a_site_on_docker_stays_there_also_while_it_is_down(state: State, file: Path) -> None:
    is_on(state, "docker")
    chosen = choose(state, None, file, {"FAILWHALE_RUNTIME": "processes"})
    assert chosen == Choice("docker", "where the site in this folder is")
    with pytest.raises(Failure, match="is on docker") as raised:
        choose(state, "processes", file, {})
    assert "failwhale down --purge" in raised.value.next_step
    assert raised.value.code == 2


def test_a_site_of_processes_that_is_down_may_go_on_elsewhere(state: State, file: Path) -> None:
    is_on(state, "processes")
    assert choose(state, "docker", file, {}) == Choice("docker", "as you said")


@pytest.mark.parametrize(
    ("asked", "environment", "content", "where"),
    [
        ("mars", {}, WITHOUT, "--on"),
        (None, {"FAILWHALE_RUNTIME": "mars"}, WITHOUT, "FAILWHALE_RUNTIME"),
        (None, {}, "x-runtime: mars\n", "x-runtime"),
    ],
)
def test_an_unknown_runtime(
    state: State, file: Path, asked: str | None, environment: dict[str, str], content: str, where: str
) -> None:
    file.write_text(content)
    with pytest.raises(Failure, match=f"no runtime is named 'mars' \\({where}\\)") as raised:
        choose(state, asked, file, environment)
    assert raised.value.next_step == "runtimes: processes, docker"


def test_what_is_wrong_with_the_file_is_said_by_who_reads_it(state: State, file: Path) -> None:
    file.write_text("services: [\n")
    assert choose(state, None, file, {}).runtime == "processes"
    assert choose(state, None, file.parent / "absent.yml", {}).runtime == "processes"


@pytest.mark.parametrize(("runtime", "other"), [("processes", "docker"), ("docker", "processes")])
def test_only_the_chosen_runtime_is_imported(state: State, runtime: str, other: str) -> None:
    is_on(state, runtime)
    code = (
        "import sys; from foundation.state import State; from testbed.choice import lifecycle_of; "
        f"one = lifecycle_of(State({str(state.path)!r})); print(type(one).__module__); "
        f"print([name for name in sys.modules if name in ('docker', 'testbed.runtimes.{other}')])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == f"testbed.runtimes.{runtime}.lifecycle\n[]\n"


def test_a_site_of_another_version_is_refused_where_its_runtime_is_picked(state: State) -> None:
    state.path.mkdir()
    state.site_file.write_text('{"version": 9, "mars": {}}')
    with pytest.raises(OtherForm, match="was written by another failwhale"):
        lifecycle_of(state)


def test_on_the_docker_host_the_parts_are_asked_about_in_the_container(state: State) -> None:
    is_on(state, "docker")
    for ask in (runtime_of, lambda state: lifecycle_of(state).look()):
        with pytest.raises(Failure, match="reached from its container chaos only") as raised:
            ask(state)
        assert raised.value.next_step == "ask there: docker compose exec chaos failwhale ..."
