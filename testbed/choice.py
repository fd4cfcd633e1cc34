"""Which runtime is to carry a site: plain processes or Docker, and why; and what that one does it with.

Only the runtime that is asked for is imported, for a command takes no longer than all it imports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from foundation.failure import USAGE, Failure
from foundation.state import State
from testbed.sitefile import RuntimeName, SiteFile

if TYPE_CHECKING:
    from testbed.runtimes import Runtime
    from testbed.runtimes.lifecycle import Lifecycle

RUNTIMES: tuple[RuntimeName, ...] = get_args(RuntimeName)
VARIABLE = "FAILWHALE_RUNTIME"


@dataclass(frozen=True)
class Choice:
    """`because` is for a person: `since ...`."""

    runtime: RuntimeName
    because: str


def choose(state: State, asked: str | None, file: Path, environment: Mapping[str, str]) -> Choice:
    """What was asked for goes first, then where the site of this folder is, then FAILWHALE_RUNTIME in the
    environment or .env, then the file's own x-runtime. Raises Failure for a runtime that does not exist, and
    when the site of this folder is on the other one."""
    here = _here(state)
    if asked is not None:
        choice = Choice(_known(asked, "--on"), "as you said")
    elif here is not None:
        choice = Choice(here, "where the site in this folder is")
    else:
        choice = _of_settings(file, environment)
    if here is not None and here != choice.runtime:
        raise Failure(
            f"the site in {state.path} is on {here}",
            f"go on there: failwhale up --on {here}; or remove it: failwhale down --purge; or choose --state",
            USAGE,
        )
    return choice


def lifecycle_on(runtime: RuntimeName, state: State) -> Lifecycle[Any]:
    """How that runtime starts and ends the site of this folder."""
    if runtime == "docker":
        from testbed.runtimes.docker.lifecycle import DockerLifecycle

        return DockerLifecycle(state)
    from testbed.runtimes.processes.lifecycle import ProcessesLifecycle

    return ProcessesLifecycle(state)


def lifecycle_of(state: State) -> Lifecycle[Any]:
    """The one of the site that is there. Raises Failure when there is none, and for one that another version
    wrote down."""
    return lifecycle_on(SiteFile.read(state).runtime, state)


def runtime_of(state: State) -> Runtime:
    """What carries the site that is there. Raises Failure when there is none, or not reached from here."""
    if SiteFile.read(state).runtime == "docker":
        from testbed.runtimes.docker.client import Docker

        return Docker(state)
    from testbed.runtimes.processes.client import Processes

    return Processes(state)


def _here(state: State) -> RuntimeName | None:
    """Where the site of this folder is. On Docker it is as long as its volumes are, also while it is down; as
    processes while it runs, for all it has is in the folder, and is removed with it."""
    site = SiteFile.read_if_made(state)
    if site is None:
        return None
    if site.docker is not None:
        return "docker"
    return "processes" if lifecycle_on("processes", state).is_up() else None


def _of_settings(file: Path, environment: Mapping[str, str]) -> Choice:
    import yaml

    from testbed.runtimes.interpolation import interpolate, read_dotenv

    dotenv = file.parent / ".env"
    variables = {**read_dotenv(dotenv), **environment}
    if variables.get(VARIABLE):
        where = "" if environment.get(VARIABLE) else f" in {dotenv}"
        return Choice(_known(variables[VARIABLE], VARIABLE), f"as {VARIABLE} says{where}")
    try:
        content = yaml.load(file.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, yaml.YAMLError):
        content = None  # what is wrong with the file is told by who reads all of it
    said = content.get("x-runtime") if isinstance(content, dict) else None
    if said is None:
        return Choice("processes", "which need nothing installed")
    return Choice(_known(interpolate(str(said), variables, set()), "x-runtime"), f"as {file.name} says")


def _known(name: str, where: str) -> RuntimeName:
    if name not in RUNTIMES:
        raise Failure(f"no runtime is named {name!r} ({where})", f"runtimes: {', '.join(RUNTIMES)}", USAGE)
    return name
