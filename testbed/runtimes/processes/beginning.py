"""The start of a site as plain processes: its supervisor, what site.json says, and what is missing later."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from foundation.failure import Failure
from foundation.interruption import postponed
from foundation.state import State
from foundation.version import VERSION as RELEASE
from testbed.runtimes import ports
from testbed.runtimes.processes import plan, sitefile
from testbed.runtimes.processes.client import Processes, start_supervisor, wait_for_supervisor
from testbed.runtimes.processes.identity import Process
from testbed.runtimes.processes.outlook import ProcessesOutlook
from testbed.runtimes.processes.running import is_up
from testbed.sitefile import Description, ProcessesRecord, SetAside, SiteFile, SupervisorRecord

# The longest path a Unix socket may have is 104 bytes on macOS and 108 on Linux, its final zero included.
SOCKET_PATH_AT_MOST = 100


def begin(state: State, outlook: ProcessesOutlook) -> Processes:
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
        # Noted here, too, so that `end` knows of it even before it can say anything itself.
        try:
            with postponed():
                sitefile.set_supervisor(state, Process.of(start_supervisor(state).pid))
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


def add(state: State, outlook: ProcessesOutlook) -> None:
    """Add what a running site lacks to its plan. Raises Failure when the compose file changed otherwise:
    what runs cannot be made to follow."""
    for place, address in SiteFile.read(state).edges.items():
        if outlook.site.edges.get(place, address) != address:
            raise Failure(
                f"the port of {place} cannot change while the site runs: it is {address.rpartition(':')[2]}",
                "take the site down first: failwhale down",
            )
    running = {spec.name: spec for spec in plan.SupervisorPlan.load(state.run / "plan.json").specs}
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


def keep(state: State, outlook: ProcessesOutlook) -> None:
    """Write site.json, which makes the folder a site's, then the plan; whoever supervises now stays
    noted."""
    previous = SiteFile.read_if_made(state)
    supervisor = previous.processes.supervisor if previous and previous.processes else None
    _describe(state, outlook, supervisor).write(state)
    state.run.mkdir(exist_ok=True)
    outlook.site.plan.write(state.run / "plan.json")


def _describe(state: State, outlook: ProcessesOutlook, supervisor: SupervisorRecord | None) -> SiteFile:
    site = outlook.site
    return SiteFile(
        made_by=RELEASE,
        edges=site.edges,
        parts=site.records(),
        left_out=site.left_out,
        description=Description(str(outlook.compose.path.absolute()), outlook.variables),
        processes=ProcessesRecord(
            socket=str(_socket_path(state)),
            ports=site.ports,
            set_aside=tuple(SetAside(service, key) for service, key in outlook.compose.set_aside),
            supervisor=supervisor,
        ),
    )


def _socket_path(state: State) -> Path:
    path = state.run / "supervisor.sock"
    if len(os.fsencode(path)) < SOCKET_PATH_AT_MOST:
        return path
    short = hashlib.sha256(os.fsencode(state.path)).hexdigest()[:16]
    return Path(tempfile.gettempdir(), f"failwhale-{os.getuid()}-{short}.sock")


def check_ports(site: plan.PlannedSite, only: Collection[str] | None = None) -> None:
    """Raises ports.Taken that names the published ports that somebody else holds, who, and how to ask for
    others."""
    ports.refuse_taken(
        [
            ports.Conflict(part, host, port, ports.holder(port))
            for part, (host, port) in site.published.items()
            if (only is None or part in only) and not ports.is_free(host, port)
        ]
    )
