"""What README.md tells people to type, typed: every command of its code blocks, in order, on each runtime.

A block under a heading that names Docker is for Docker alone. Any other is for both: `failwhale up` takes the
runtime from the environment.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from clone_under_test import clone_to
from engine_under_test import MISCOUNTED, compose_file, memory_of
from on_docker import OnDocker
from on_processes import OnProcesses
from site_under_test import ROOT, Site, wait_until

LEFT_OUT = {
    "git clone": "this is one",
    "cd ": "every command here begins in the clone",
    "make demo": "test_demo.py does it, and it takes a minute and a half",
    "make test": "this is a part of it",
    "make install": "this runs in what it has installed",
    ". .venv/bin/activate": "PATH does it here, for every command",
    "failwhale drill failover": "test_failover_drill.py tries each way, and all of them take two minutes",
    "failwhale drill durability": "test_durability_drill.py does it, and it takes four minutes",
    "failwhale incident run --all": "test_incidents.py plays each, and all of them take eight minutes",
    "make images-offline": "the base images are here, or no test on Docker would run",
}
"""How commands begin that are not run, and why."""

GOES_ON = ("failwhale watch", "docker compose logs -f", "docker compose exec chaos failwhale watch")
"""How commands begin that go on until Ctrl-C. They get that as soon as they have said something."""

OF_OUR_OWN_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "VENV", "PYTHON")
"""What `make test` leaves in the environment, and nobody has at a terminal."""

PROGRAMS = ("failwhale", "make", "docker", "git", "cp", ".", "cd")
COMMAND_SECONDS = 150


GREEN_WITHIN = 60.0
"""Seconds from `docker compose up` until every journey is green."""
MOST_MEMORY = 1.5e9
"""Bytes, of all containers but Grafana and Locust."""
GIVEN = {"grafana", "locust"}


@dataclass(frozen=True)
class Command:
    words: str
    on_docker_only: bool


def commands(readme: str) -> list[Command]:
    """Every command of the fenced and indented code blocks, without its comment."""
    found, heading, is_fenced = [], "", False
    for line in readme.splitlines():
        if line.startswith("```"):
            is_fenced = not is_fenced
        elif not is_fenced and line.startswith("#"):
            heading = line
        elif is_fenced or line.startswith("    "):
            words = re.sub(r"(^|\s+)#.*", "", line).strip().removeprefix("$ ")
            if words:
                found.append(Command(words, "docker" in heading.lower()))
    return found


COMMANDS = commands((ROOT / "README.md").read_text())


def test_every_line_of_a_block_is_a_command_that_is_known() -> None:
    assert COMMANDS
    assert [command for command in COMMANDS if shlex.split(command.words)[0] not in PROGRAMS] == []


class Terminal:
    """Somebody in a fresh clone, with failwhale on PATH, who types commands."""

    def __init__(self, site: Site, folder: Path) -> None:
        self._folder = folder
        self._environment = {
            **{name: value for name, value in site.environment.items() if name not in OF_OUR_OWN_MAKE},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(folder),
        }
        del self._environment["FAILWHALE_STATE"]
        if (Path(sys.prefix) / "installed").exists():
            self._environment["VENV"] = sys.prefix
        if isinstance(site, OnDocker):
            self._environment |= {"COMPOSE_PROJECT_NAME": site.project, "COMPOSE_FILE": compose_file()}

    def type(self, words: str) -> None:
        """One command, which must succeed, or go on until it is interrupted.

        A `down` on which the engine has miscounted is typed again, as anybody would. What is left after that
        is looked at, and not what Compose thinks of it.
        """
        code, told, ends = self._run(words)
        if code and " down " in words and MISCOUNTED in told:
            self._run(words)
            return
        assert code in ends, f"{words}: {code}\n{told}"

    def _run(self, words: str) -> tuple[int, str, tuple[int, ...]]:
        """Its exit code, all that it printed, and the exit codes that are success."""
        ends: tuple[int, ...] = (0,)
        with tempfile.TemporaryFile("w+") as said:
            process = subprocess.Popen(
                ["sh", "-c", words],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                if words.startswith(GOES_ON):
                    wait_until(lambda: os.fstat(said.fileno()).st_size, 30, f"a word of {words}")
                    os.killpg(process.pid, signal.SIGINT)
                    ends = (0, 130, -signal.SIGINT)
                code = process.wait(COMMAND_SECONDS)
            finally:
                process.kill()
                process.wait()
            said.seek(0)
            return code, said.read(), ends


@pytest.fixture
def clone(runtime: str, tmp_path: Path) -> Iterator[Site]:
    """The site that the commands are about: in the default state folder of the clone. Not started."""
    kind = InClone if runtime == "docker" else OnProcesses
    one = kind(clone_to(tmp_path / "clone") / ".failwhale")
    yield one
    assert one.remove_leftovers() == []


class InClone(OnDocker):
    project = "failwhale-e2e-readme"


def is_green_in_time_and_small(site: OnDocker, begun: float) -> None:
    """Every journey soon after the command was typed, at `begun`; and what all of it takes."""
    site.wait_green(begun + GREEN_WITHIN - time.monotonic())
    print(f"{time.monotonic() - begun:6.1f} s  until every journey was green")
    running = {part: row for part, row in site.containers().items() if row["State"] == "running"}
    with ThreadPoolExecutor(8) as together:
        used = dict(zip(running, together.map(memory_of, running.values()), strict=True))
    total = sum(memory for part, memory in used.items() if part not in GIVEN)
    print(f"{total / 1e6:6.0f} MB")
    assert total < MOST_MEMORY, {part: f"{memory / 1e6:.0f} MB" for part, memory in used.items()}


def is_gone(site: Site, begun: float) -> None:
    assert site.left() == []


HOLDS_AFTER: dict[str, Callable[[Any, float], None]] = {
    "docker compose up -d --wait": is_green_in_time_and_small,
    "docker compose --profile load down -v": is_gone,
    "failwhale down --purge": is_gone,
}
"""What is to be seen after a command that was typed at a time of `time.monotonic()`."""


def test_what_is_to_be_seen_is_looked_at() -> None:
    assert HOLDS_AFTER.keys() <= {command.words for command in COMMANDS}


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("runtime", "on_docker_only"),
    [
        pytest.param("processes", False, marks=pytest.mark.long("all that the README has to be typed")),
        ("docker", False),
        pytest.param("docker", True, marks=pytest.mark.smoke("what who has Docker types first")),
    ],
    indirect=["runtime"],
    scope="session",
)
def test_every_command(clone: Site, on_docker_only: bool) -> None:
    terminal = Terminal(clone, clone.state.parent)
    for command in COMMANDS:
        words = command.words
        if command.on_docker_only != on_docker_only or words.startswith(tuple(LEFT_OUT)):
            continue
        begun = time.monotonic()
        terminal.type(words)
        print(f"{time.monotonic() - begun:6.1f} s  {words}")
        if words in HOLDS_AFTER:
            HOLDS_AFTER[words](clone, begun)
