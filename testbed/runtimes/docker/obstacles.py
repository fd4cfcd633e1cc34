"""What may stand in the way of a start on Docker: ports, stale health, images that cannot be had."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from foundation.failure import Failure
from testbed.runtimes import ports
from testbed.runtimes.docker import host
from testbed.runtimes.docker.outlook import DockerOutlook
from testbed.sitefile import LeftOut

SECOND_LOOK_SECONDS = 15.0
"""Longer than the interval between two looks."""


def missing(outlook: DockerOutlook) -> list[str]:
    """The parts that do not run now, of a site that is up: killed, stopped, or left out before. Raises
    Failure when one runs that shall be left out."""
    running = {one.part for one in host.containers(outlook.project) if host.is_running([one])}
    for row in outlook.left_out:
        if row.part in running:
            raise Failure(
                f"{row.part} runs already", "start anew without it: failwhale down, then failwhale up"
            )
    return [part.name for part in outlook.parts if part.name not in running and part.labels.kind != "setup"]


def check_ports(outlook: DockerOutlook, only: Collection[str]) -> None:
    """Raises ports.Taken that names the published ports that somebody else holds, who, and how to ask for
    others. `only` names the parts that do not run, as one that runs holds its port itself."""
    if not host.engine().startswith("unix:"):
        return  # its ports are another machine's
    ports.refuse_taken([*_conflicts(outlook, only)])


def _conflicts(outlook: DockerOutlook, only: Collection[str]) -> Iterator[ports.Conflict]:
    for part in outlook.parts:
        for address in part.addresses if part.name in only else ():
            where, _, port = address.rpartition(":")
            if port.isdecimal() and ports.is_taken(where, int(port)):  # else it is a range
                by = _container_at(port) or ports.holder(int(port))
                yield ports.Conflict(part.name, where, int(port), by)


def _container_at(port: str) -> str:
    """Docker listens for a container: with a process of its own, or with none."""
    names = host.docker("ps", "--format={{.Names}}", f"--filter=publish={port}").split()
    return f"the container {names[0]}" if names else ""


def wait_for_second_look(outlook: DockerOutlook, seconds: float) -> None:
    """Docker looks at a container's health now and then. One that was paused or cut off counts as unhealthy
    until the next look, and Compose would give up at once. What is unhealthy then is for Compose to say."""
    limit = time.monotonic() + min(seconds, SECOND_LOOK_SECONDS)
    while host.containers(outlook.project, "health=unhealthy") and time.monotonic() < limit:
        time.sleep(0.2)


def without_what_cannot_be_had(outlook: DockerOutlook, say: Callable[[str], None]) -> DockerOutlook:
    """The same without optional parts whose image is not here and cannot be pulled."""
    left_out = list(outlook.left_out)
    for part in outlook.parts:
        if part.labels.is_optional and not _is_here(part.image):
            say(f"pulling {part.image}")
            try:
                host.compose(
                    *outlook.words, "pull", "--quiet", part.compose_name, environment=outlook.variables
                )
            except Failure as failure:
                advice = "the site is complete without it"
                left_out.append(LeftOut.of(part.labels, failure.message, advice))
    return replace(outlook, left_out=tuple(left_out))


def _is_here(image: str) -> bool:
    try:
        host.docker("image", "inspect", "--format", "{{.Id}}", image)
    except Failure:
        return False
    return True
