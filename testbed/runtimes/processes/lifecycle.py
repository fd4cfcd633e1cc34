"""A site's beginning and end as plain processes: from a compose file to a running supervisor, and back to
nothing."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from foundation.failure import USAGE, Failure
from foundation.state import State
from testbed.runtimes.processes import compose, plan, ports, sitefile
from testbed.runtimes.processes.client import Processes, start_supervisor, wait_for_supervisor
from testbed.runtimes.processes.compose import Compose
from testbed.runtimes.processes.identity import Process, sessions
from testbed.runtimes.processes.interpolation import read_dotenv
from testbed.runtimes.processes.record import read_parts

# The longest path a Unix socket may have is 104 bytes on macOS and 108 on Linux, its final zero included.
SOCKET_PATH_AT_MOST = 100
STOP_SECONDS = 3.0
SUPERVISOR_SECONDS = 30.0


@dataclass(frozen=True)
class Wishes:
    """What `up` was asked for: `ports` by the edge's name ("east"), `without` by part or service."""

    file: Path
    ports: Mapping[str, int]
    without: frozenset[str]


@dataclass(frozen=True)
class Outlook:
    """What a compose file will become here, before anything is started."""

    compose: Compose
    site: plan.Site
    variables: Mapping[str, str]  # the settings of the compose file that were chosen, to be kept


def is_up(state: State) -> bool:
    """Whether anything of a site runs here: its supervisor, or a part that outlived it."""
    if not state.is_made:
        return False
    supervisor = sitefile.supervisor(state)
    if supervisor is None:
        return False
    return supervisor.is_alive() or any(part.is_running() for part in read_parts(state.run).values())


def _running(state: State) -> frozenset[str]:
    return frozenset(name for name, part in read_parts(state.run).items() if part.is_running())


def look_ahead(state: State, wishes: Wishes, environment: Mapping[str, str]) -> Outlook:
    """Read the compose file and work out the plan. What was chosen at the last `up` (ports above all) holds
    until it is chosen anew. Raises Failure for all that cannot be honoured."""
    previous = state.site() if state.is_made else {}
    chosen = {f"FAILWHALE_{name.upper()}_PORT": str(port) for name, port in wishes.ports.items()}
    variables = {
        **read_dotenv(wishes.file.parent / ".env"),
        **previous.get("variables", {}),
        **environment,
        **chosen,
    }
    content = compose.read(wishes.file, variables)
    for name, variable in zip(wishes.ports, chosen, strict=True):
        if variable not in content.variables:
            known = sorted(
                variable.removeprefix("FAILWHALE_").removesuffix("_PORT").lower()
                for variable in content.variables
                if variable.startswith("FAILWHALE_") and variable.endswith("_PORT")
            )
            raise Failure(f"no port is named {name!r}", f"ports: {', '.join(known) or 'none'}", USAGE)
    site = plan.make(
        content,
        state,
        environment=variables,
        without=wishes.without,
        remembered=previous.get("ports", {}),
        running_now=_running(state),
    )
    ports.refuse_twins((part.rpartition("@")[2], port) for part, (_, port) in site.published.items())
    kept = {name: variables[name] for name in content.variables if name in variables}
    return Outlook(content, site, kept)


def check_ports(site: plan.Site, only: Collection[str] | None = None) -> None:
    """Raises Failure that names the first published port that somebody else holds, who, and how to ask for
    another."""
    for part, (host, port) in site.published.items():
        if (only is None or part in only) and not ports.is_free(host, port):
            raise ports.taken(part, port, ports.holder(port))


def begin(state: State, outlook: Outlook) -> Processes:
    """Start the supervisor, which then starts the parts. Returns when it answers."""
    check_ports(outlook.site)
    with _alone(state):
        shutil.rmtree(state.run, ignore_errors=True)  # what a site left that ended with the machine
        try:
            keep(state, outlook)
            for folder in (state.logs, state.record, state.pki, state.secrets, state.volume("chaos")):
                folder.mkdir(exist_ok=True)
            state.secrets.chmod(0o700)
        except OSError as error:
            raise state.unusable(error) from None
        supervisor = start_supervisor(state)
        # Noted here, too, so that `end` knows of it even before it can say anything itself.
        try:
            sitefile.set_supervisor(state, Process.of(supervisor.pid))
        except ProcessLookupError:
            raise Failure("the supervisor ended at once", f"see {state.logs / 'supervisor.log'}") from None
    wait_for_supervisor(state).close()
    return Processes(state)


@contextmanager
def _alone(state: State) -> Iterator[None]:
    """Nobody else begins this site meanwhile. The supervisor's own lock does not tell: it lies among what is
    removed before a start. Raises Failure when somebody else begins it, or has begun it."""
    faster = Failure("another failwhale up was faster", "look at it: failwhale status")
    try:
        state.path.mkdir(parents=True, exist_ok=True)
        folder = os.open(state.path, os.O_RDONLY)
    except OSError as error:
        raise state.unusable(error) from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if is_up(state):
            raise faster
        yield
    except BlockingIOError:
        raise faster from None
    finally:
        os.close(folder)


def add(state: State, outlook: Outlook) -> None:
    """Add what a running site lacks to its plan. Raises Failure when the compose file changed otherwise:
    what runs cannot be made to follow."""
    for place, address in state.edges.items():
        if outlook.site.edges.get(place, address) != address:
            raise Failure(
                f"the port of {place} cannot change while the site runs: it is {address.rpartition(':')[2]}",
                "take the site down first: failwhale down",
            )
    running = {spec.name: spec for spec in plan.Plan.load(state.run / "plan.json").specs}
    wanted = {spec.name: spec for spec in outlook.site.plan.specs}
    for name, spec in running.items():
        if name not in wanted:
            raise Failure(f"{name} runs already", "start anew without it: failwhale down, then failwhale up")
        # What it waits for matters at its start only, and may have been left out then.
        if replace(wanted[name], needs={}) != replace(spec, needs={}):
            raise Failure(
                f"{name} shall run otherwise than it does (the compose file or a setting changed)",
                "start anew: failwhale down, then failwhale up",
            )
    check_ports(outlook.site, only=wanted.keys() - running.keys())
    keep(state, outlook)


def keep(state: State, outlook: Outlook) -> None:
    """Write site.json, which makes the folder a site's, then the plan; whoever supervises now stays
    noted."""
    previous = state.site() if state.is_made else {}
    sitefile.write(state, {**_describe(state, outlook), "supervisor": previous.get("supervisor")})
    state.run.mkdir(exist_ok=True)
    outlook.site.plan.write(state.run / "plan.json")


def _describe(state: State, outlook: Outlook) -> dict[str, Any]:
    site = outlook.site
    return {
        "runtime": "processes",
        "project": outlook.compose.project,
        "compose": str(outlook.compose.path.absolute()),
        "variables": dict(outlook.variables),
        "socket": str(_socket_path(state)),
        "edges": dict(site.edges),
        "ports": dict(site.ports),
        "parts": site.rows(),
        "left_out": [{"part": row.part, "reason": row.reason, "advice": row.advice} for row in site.left_out],
        "set_aside": [{"service": service, "key": key} for service, key in outlook.compose.set_aside],
    }


def _socket_path(state: State) -> Path:
    path = state.run / "supervisor.sock"
    if len(os.fsencode(path)) < SOCKET_PATH_AT_MOST:
        return path
    short = hashlib.sha256(os.fsencode(state.path)).hexdigest()[:16]
    return Path(tempfile.gettempdir(), f"failwhale-{os.getuid()}-{short}.sock")


def end(state: State) -> None:
    """Leave no process and no socket, with or without a living supervisor. No error when nothing runs."""
    if not state.is_made:
        return
    supervisor = sitefile.supervisor(state)
    if supervisor is not None and supervisor.is_alive() and not supervisor.is_paused():
        try:
            Processes(state).down()
        except (Failure, ConnectionError):
            pass  # whatever is wrong with it, below it is ended as if it were dead
    _end_by_record(state, supervisor)
    Path(state.site()["socket"]).unlink(missing_ok=True)
    shutil.rmtree(state.run, ignore_errors=True)
    sitefile.set_supervisor(state, None)


def _end_by_record(state: State, supervisor: Process | None) -> None:
    """End what the record names, and only that: a pid alone proves nothing."""
    # After `down` it ends by itself; one that hangs must not restart what is ended here.
    if supervisor is not None and not _wait_gone([supervisor], 2.0):
        supervisor.signal(signal.SIGKILL)
    parts = [part.process for part in read_parts(state.run).values() if part.is_running() and part.process]
    everything = [*parts, *_descendants(parts)]
    for number in (signal.SIGCONT, signal.SIGTERM):
        for process in parts:
            process.signal(number)
    _wait_gone(parts, STOP_SECONDS)
    for process in everything:
        process.signal(signal.SIGKILL)
    _wait_gone(everything, STOP_SECONDS)


def _descendants(parts: list[Process]) -> list[Process]:
    """What the parts have started themselves: all that is in their sessions."""
    members = sessions()
    found = []
    for part in parts:
        for pid in members.get(part.pid, []):
            try:
                found.append(Process.of(pid))
            except ProcessLookupError:
                pass
    return found


def _wait_gone(processes: list[Process], seconds: float) -> bool:
    limit = time.monotonic() + seconds
    while any(process.is_alive() for process in processes):
        if time.monotonic() > limit:
            return False
        time.sleep(0.02)
    return True


def purge(state: State) -> list[str]:
    """Remove what failwhale made for a site that is down, and the folder if nothing else is in it. Returns
    the names of what is left, since it is somebody else's. Raises Failure for a folder that is no site's."""
    try:
        inside = list(state.path.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise state.unusable(error) from None
    if inside and not state.is_ours:
        raise Failure(f"{state.path} is not the folder of a site: nothing is removed", code=USAGE)
    site_last = sorted(state.entries(), key=lambda entry: entry == state.site_file)
    for entry in site_last:  # until then another `down --purge` can finish what this one began
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
    left = sorted(entry.name for entry in state.path.iterdir())
    if not left and not state.path.is_symlink():
        state.path.rmdir()
    return left
