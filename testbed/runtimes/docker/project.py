"""The Compose project that a site is on Docker. Nothing heavy: every forwarded command may ask for it."""

from __future__ import annotations

import hashlib
import os

from foundation.state import State
from testbed.runtimes.docker import host
from testbed.runtimes.interpolation import read_dotenv


def project_of(state: State) -> str:
    """The Compose project of a site: what plain `docker compose` calls it when it is in this repository's own
    state folder, and for any other folder a name of its own."""
    if state.is_made and (project := state.site().get("project")) and state.site()["runtime"] == "docker":
        return str(project)
    if state.path == host.REPOSITORY / ".failwhale":
        variables = {**read_dotenv(host.REPOSITORY / ".env"), **os.environ}
        return variables.get("COMPOSE_PROJECT_NAME") or "failwhale"
    return f"failwhale-{hashlib.sha256(os.fsencode(state.path)).hexdigest()[:8]}"


def is_up(state: State) -> bool:
    """Whether anything of the site runs. Raises Failure without an engine."""
    return host.is_running(host.containers(project_of(state)))
