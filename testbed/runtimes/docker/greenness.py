"""Waiting until every journey is green, asked in the controller's container."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

from foundation.failure import OK
from testbed.runtimes.docker import host
from testbed.runtimes.docker.outlook import DockerOutlook


def wait_until_green(outlook: DockerOutlook, limit: float, note: Callable[[str], None]) -> bool:
    """Until the prober has seen every journey succeed; False without a prober or a controller to ask it.
    `limit` is of the monotonic clock. Raises Failure that names what is not green."""
    controller = host.controller(outlook.project)
    if controller is None or not any(part.service == "prober" for part in outlook.parts):
        return False
    ask = ["python", "-m", "testbed.green", str(max(1.0, limit - time.monotonic()))]
    process = subprocess.Popen(
        ["docker", *host.inside(controller.identifier, *ask)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            note(line.strip())
        said = process.stderr.read()
        if process.wait() != OK:
            raise host.failure_of(said)
        return True
    finally:
        process.kill()
        process.wait()
