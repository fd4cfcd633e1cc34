"""The end of a site on Docker: no container, no network, and no volume if that is asked for."""

from __future__ import annotations

from pathlib import Path

from foundation.failure import Failure
from foundation.state import State
from testbed.runtimes.docker import host
from testbed.runtimes.docker.outlook import DockerOutlook
from testbed.runtimes.docker.project import BESIDE, project_of
from testbed.runtimes.lifecycle import COMPOSE_FILE
from testbed.sitefile import Description, SiteFile


def end(state: State, *, purge: bool = False) -> list[str]:
    """Leave no container and no network; with `purge` no volume either. No error when nothing is there.
    Returns the networks that the engine keeps though nothing is on them. Raises Failure without an engine."""
    project = project_of(state)
    site = SiteFile.read_if_made(state)
    described = (site.description if site else None) or Description(str(COMPOSE_FILE), {})
    outlook = DockerOutlook(project, Path(described.file), (), (), described.variables)
    if outlook.file.exists():  # else what bears the project's label is all that is known of it
        away = ["--volumes"] if purge else []
        try:
            # Compose knows the order. A profile's containers are orphans while nobody asks for the profile.
            host.compose(*outlook.words, "down", "--remove-orphans", *away, environment=outlook.variables)
        except Failure as failure:
            if "network" not in failure.message:
                raise
    kept = _sweep(project, purge=purge)
    state.ca.unlink(missing_ok=True)
    return kept


def _sweep(project: str, *, purge: bool) -> list[str]:
    """Remove what bears the project's label still; returns the networks that stay all the same."""
    label = f"--filter=label=com.docker.compose.project={project}"
    for named in (label, f"--filter=label={BESIDE}={project}"):
        if containers := host.docker("ps", "--all", "--quiet", named).split():
            host.docker("rm", "--force", *containers)
    networks = host.docker("network", "ls", "--format={{.Name}}", label).split()
    kept = [name for name in networks if not _is_removed(name)]
    if purge and (volumes := host.docker("volume", "ls", "--quiet", label).split()):
        host.docker("volume", "rm", *volumes)
    return kept


def _is_removed(network: str) -> bool:
    """Now nothing is on it any more, but engines have been seen to miscount (moby/moby#42119)."""
    try:
        host.docker("network", "rm", network)
    except host.NetworkInUse:
        users = host.docker("network", "inspect", "--format={{range .Containers}}{{.Name}} {{end}}", network)
        if users.strip():
            raise Failure(
                f"the network {network} is used by what is no part of this site: {users.strip()}",
                f"docker network disconnect {network} {users.split()[0]}; then again: failwhale down",
            ) from None
        return False
    return True
