"""Running a part's health check once, as the compose file says it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from testbed.runtimes.processes import deaths
from testbed.runtimes.processes.launch import launch
from testbed.runtimes.processes.loop import Loop
from testbed.runtimes.processes.plan import Health

Then = Callable[[bool, str], None]


def check(
    loop: Loop, health: Health, environment: Mapping[str, str], folder: str, limit: float, then: Then
) -> None:
    """Start the check and call back with whether it succeeded and, if not, what it said. It takes at most
    `limit` seconds, or its own time-out if that is less."""
    limit = min(limit, health.timeout)
    out, into = os.pipe()
    try:
        launched = launch(health.words, environment, folder, into, name="healthcheck", limit=limit)
    finally:
        os.close(into)
    launched.release()

    def finished(code: int | None) -> None:
        os.set_blocking(out, False)
        try:
            said = os.read(out, 2000).decode(errors="replace").strip()
        except BlockingIOError:
            said = ""
        os.close(out)
        if code is not None and code < 0:
            said = f"no answer within {limit:g} s"
        then(code == 0, said)

    deaths.watch(loop, launched.process, finished)
