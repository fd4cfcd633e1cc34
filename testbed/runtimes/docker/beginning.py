"""The start of a site on Docker: `docker compose up`, and what the host must know to reach the site."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

from foundation.console import is_terminal
from foundation.failure import INTERRUPTED, OK
from foundation.state import State
from foundation.version import VERSION as RELEASE
from testbed.runtimes.docker import host
from testbed.runtimes.docker.outlook import DockerOutlook
from testbed.runtimes.lifecycle import LEFT_OUT
from testbed.sitefile import Description, DockerRecord, PartRecord, SiteFile

LAST_LINES = 20
"""Of what Compose said, when it failed and nobody saw it."""


def begin(state: State, outlook: DockerOutlook, seconds: float, *, quiet: bool) -> None:
    """Build the image from these sources if they changed, create and start what is missing, and wait until
    every container is healthy, for so many seconds once all are started.

    On a terminal Compose's own progress is shown there. Elsewhere its last lines are, when it failed, and not
    if `quiet`. Raises Failure, KeyboardInterrupt, or SystemExit when what went wrong has been said already.
    """
    _keep(state, outlook)
    waiting = ["--wait", "--wait-timeout", str(max(1, round(seconds)))]
    # What is not named is not pulled either. What others wait for is named by that, and gets no container.
    needed = {name for part in outlook.parts for name in part.needs}
    names = [part.compose_name for part in outlook.parts]
    gone = [part.compose_name for part in outlook.all_parts if part.compose_name not in names]
    none = [f"--scale={name}=0" for name in gone if name in needed]
    words = [*outlook.words, "up", "--detach", "--build", *waiting, *none, *names]
    left_out = " ".join(row.part for row in outlook.left_out)
    _shown(words, {**outlook.variables, f"FAILWHALE_{LEFT_OUT}": left_out}, quiet=quiet)
    controller = host.controller(outlook.project)
    if controller is not None:
        state.pki.mkdir(exist_ok=True)
        state.ca.write_text(host.docker(*host.inside(controller.identifier, "cat", "/state/pki/ca.pem")))


def _shown(words: Sequence[str], variables: Mapping[str, str], *, quiet: bool) -> None:
    command = ["sh", str(host.COMPOSE_SH), *words]
    kept = quiet or not (sys.stdin.isatty() and is_terminal())
    # Stdout is for results, so what Compose writes there joins the rest.
    aside = None if sys.stdout.isatty() else sys.stderr.fileno()
    process = subprocess.Popen(
        command,
        env={**os.environ, **variables, **(host.STEPS_APART if kept else {})},
        stdout=subprocess.PIPE if kept else aside,
        stderr=subprocess.STDOUT if kept else None,
        text=True,
        errors="replace",
    )
    try:
        said, _ = process.communicate()
    except KeyboardInterrupt:
        _interrupt(process)
        raise
    if process.returncode in (INTERRUPTED, -signal.SIGINT):  # Ctrl-C reached Compose, and not us
        raise KeyboardInterrupt
    if process.returncode != OK:
        if not kept:
            raise SystemExit(process.returncode)
        if not quiet:
            _show_the_end_of(said)
        raise host.failure_of(said, process.returncode)


def _show_the_end_of(said: str) -> None:
    """What Compose said last, without the cause that docker/compose.sh found in it."""
    before, mark, _ = said.rpartition("\nfailwhale: ")
    for line in (before if mark else said).splitlines()[-LAST_LINES:]:
        print(line, file=sys.stderr)


def _interrupt(process: subprocess.Popen[str]) -> None:
    """End Compose politely, wherever below the shell it is. On a terminal it has heard of it already."""
    import psutil

    shell = psutil.Process(process.pid)
    for one in [shell, *shell.children(recursive=True)]:  # the shell, so that it takes the end for no failure
        try:
            one.send_signal(signal.SIGINT)
        except psutil.NoSuchProcess:
            pass
    process.communicate()  # what it still says must have somewhere to go, or it would wait for ever


def _keep(state: State, outlook: DockerOutlook) -> None:
    """Write site.json, which makes the folder a site's: from now on every command knows where to go."""
    site = SiteFile(
        made_by=RELEASE,
        edges=outlook.edges,
        parts=tuple(
            PartRecord(
                name=part.name,
                service=part.service,
                kind=part.labels.kind,
                place=part.place,
                compose_name=part.compose_name,
                alive_path=part.labels.alive_path,
                ready_path=part.labels.ready_path,
                one_shot=part.labels.kind == "setup",
                main=None,
                addresses={},  # from here it is reached through the controller's container only
                container=f"{outlook.project}-{part.compose_name}-1",
            )
            for part in outlook.parts
        ),
        left_out=outlook.left_out,
        description=Description(str(outlook.file), outlook.variables),
        docker=DockerRecord(outlook.project, host.engine(), through=host.CONTROLLER),
    )
    try:
        site.write(state)
    except OSError as error:
        raise state.unusable(error) from None
