"""A site on Docker as the host sees it, by Docker's command line: it knows which engine is meant, and how to
reach it. Standard library only, and nothing heavy: every forwarded command passes through here."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from foundation.failure import FAILED, Failure
from testbed.labels import part_name
from testbed.runtimes.docker.privileges import USER

REPOSITORY = Path(__file__).parents[3]
COMPOSE_SH = REPOSITORY / "docker" / "compose.sh"
CONTROLLER = "chaos"
STEPS_APART = {"STEPS_APART": "yes"}
"""Asks docker/compose.sh for a line for each next step, so that `Explained` has them one by one."""


class Explained(Failure):
    """Told by a command of ours that failed. `steps` are its next steps, the first one about the cause; what
    it says of how to stop the rest comes after that."""

    def __init__(self, message: str, steps: Sequence[str], code: int) -> None:
        super().__init__(message, "; ".join(steps), code)
        self.steps = tuple(steps)

    @property
    def first_step(self) -> str:
        return self.steps[0] if self.steps else ""


class NetworkInUse(Failure):
    """The engine does not remove a network, for it counts somebody on it."""


@dataclass(frozen=True)
class Container:
    """`state` is Docker's word: running, exited, paused, restarting, created, removing or dead."""

    identifier: str
    name: str
    part: str  # post@east
    state: str


def containers(project: str, *filters: str) -> list[Container]:
    """Every container of a Compose project, also those that do not run. Raises Failure without an engine."""
    form = '{{.ID}}\t{{.Names}}\t{{.Label "failwhale.service"}}\t{{.Label "failwhale.place"}}\t{{.State}}'
    wanted = [f"label=com.docker.compose.project={project}", *filters]
    said = docker("ps", "--all", "--format", form, *(f"--filter={one}" for one in wanted))
    rows = [line.split("\t") for line in said.splitlines()]
    return [
        Container(identifier, name, part_name(service, place), state)
        for identifier, name, service, place, state in rows
    ]


def controller(project: str) -> Container | None:
    """The container in which forwarded commands run; None when there is none."""
    found = containers(project, f"label=failwhale.service={CONTROLLER}")
    return found[0] if found else None


def docker(*words: str) -> str:
    """What a command of Docker's answers. Raises Failure when it fails: with what is missing (Docker, its
    engine, the right to talk to it), or else with what Docker said; NetworkInUse where it says that."""
    try:
        done = subprocess.run(["docker", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError:  # it is missing, or no program
        done = None
    if done is not None and done.returncode == 0:
        return done.stdout
    compose("ls", "--quiet")  # it knows what may be missing, and says so
    said = done.stderr.strip() if done else "docker cannot be run"
    kind = NetworkInUse if "has active endpoints" in said else Failure
    raise kind(f"docker {words[0]} failed: {said}", "see: docker version")


def engine() -> str:
    """The address of the engine that Docker's command line means."""
    chosen = os.environ.get("DOCKER_HOST")
    return chosen or docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}").strip()


def inside(container: str, *words: str) -> list[str]:
    """The words after `docker` that run something in the controller's container as the site's user. Root may
    do less there: it has no right to what belongs to others."""
    return ["exec", f"--user={USER}:{USER}", container, *words]


def compose(*words: str, environment: Mapping[str, str] | None = None) -> str:
    """What `docker compose` answers, run by docker/compose.sh. Raises the Failure that it names."""
    done = subprocess.run(
        ["sh", str(COMPOSE_SH), *words],
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,  # Ctrl-C is for whoever waits here
    )
    if done.returncode != 0:
        raise failure_of(done.stderr, done.returncode)
    return done.stdout


def failure_of(said: str, code: int = FAILED) -> Explained:
    """The failure that a command of ours wrote on stderr: its last `failwhale: cause`, and the next steps
    below it, each on an indented line. Without one, the last line of all."""
    lines = [line for line in said.splitlines() if line.strip()]
    causes = [number for number, line in enumerate(lines) if line.startswith("failwhale: ")]
    if not causes:
        last = re.sub("^Error response from daemon: ", "", lines[-1]) if lines else "it failed"
        return Explained(last, (), code)
    cause = causes[-1]
    steps = takewhile(lambda line: line.startswith("  "), lines[cause + 1 :])
    return Explained(lines[cause].removeprefix("failwhale: "), [step.strip() for step in steps], code)


def is_running(found: Iterable[Container]) -> bool:
    """Whether anything of it runs, or will again by itself."""
    return any(one.state in ("running", "paused", "restarting") for one in found)
