"""The Compose project that a site is on Docker. Nothing heavy: every forwarded command may ask for it."""

from __future__ import annotations

import hashlib
import os

from foundation.state import State
from testbed.runtimes.docker import host
from testbed.runtimes.interpolation import read_dotenv
from testbed.sitefile import SiteFile

BESIDE = "failwhale.beside"
"""The label of containers that are no part of a site, and stand beside one; it names the site's project."""


def project_of(state: State) -> str:
    """The Compose project of a site: what plain `docker compose` calls it when it is in this repository's own
    state folder, and for any other folder a name of its own."""
    site = SiteFile.read_if_made(state)
    if site is not None and site.docker is not None:
        return site.docker.project
    if state.path == host.REPOSITORY / ".failwhale":
        variables = {**read_dotenv(host.REPOSITORY / ".env"), **os.environ}
        return variables.get("COMPOSE_PROJECT_NAME") or "failwhale"
    return f"failwhale-{hashlib.sha256(os.fsencode(state.path)).hexdigest()[:8]}"


def is_up(state: State) -> bool:
    """Whether anything of the site runs. Raises Failure without an engine."""
    return host.is_running(host.containers(project_of(state)))
