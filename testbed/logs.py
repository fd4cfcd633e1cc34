"""The logs of a site, wherever its runtime keeps them."""

from __future__ import annotations

from foundation.failure import Failure
from foundation.state import State
from foundation.suggestions import unknown
from testbed.runtimes.logs import Logs
from testbed.runtimes.processes.logs import FileLogs
from testbed.sitefile import SiteFile


def logs_of(state: State, part: str | None) -> Logs:
    """The logs of one part, or of all. Raises Failure that lists what exists when the part has none."""
    site = SiteFile.read_if_made(state)
    if site is not None and site.docker is not None:
        from testbed.runtimes.docker.logs import ContainerLogs  # it takes the engine's client 0.2 s to load

        return ContainerLogs(state, part)
    files = {path.stem: path for path in sorted(state.logs.glob("*.log"))}
    if not files:
        raise Failure(f"there are no logs in {state.logs}", "start the site: failwhale up")
    if part is not None and part not in files:
        raise unknown("log", part, files)
    return FileLogs(files if part is None else {part: files[part]})
