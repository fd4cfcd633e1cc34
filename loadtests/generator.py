"""Runs Locust as a process of its own, listens to what it tells, and makes sure that it ends.

A process of its own, because Locust changes the standard library under everybody who imports it.
"""

from __future__ import annotations

import json
import math
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from foundation.failure import Failure

PIPE = "FAILWHALE_LOAD_PIPE"
"""The environment variable with the number of the pipe that a load tells its progress and summary to."""

NAME = "FAILWHALE_LOAD"
"""The environment variable with the name of a load, under which it is recorded what was acknowledged."""

LAST_ANSWERS_WITHIN = 11
"""Seconds that requests in flight have at the end of a load: longer than a client waits for an answer."""

_START_WITHIN = 30.0
_LEAVE_WITHIN = 5.0

_SHAPES = Path(__file__).parent / "shapes"


class Shape(StrEnum):
    """How much load there is over time; each is a locustfile in `loadtests/shapes/`."""

    STEADY = "steady"
    ALL_TIME_HIGH = "all-time-high"
    OPEN_LOOP = "open-loop"

    @property
    def locustfile(self) -> Path:
        return _SHAPES / f"{self.value.replace('-', '_')}.py"


@dataclass(frozen=True)
class LoadPlan:
    """A load to be made: `rate` in requests per second (0 is 2 for each person), `seconds` whole ones."""

    shape: Shape
    people: int
    rate: float
    seconds: int
    ignore_retry_after: bool = False
    name: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    def command(self) -> list[str]:
        """Locust's command line."""
        return [
            *(sys.executable, "-m", "locust", "-f", str(self.shape.locustfile), "--headless"),
            *("--users", str(self.people), "--spawn-rate", str(self.people)),
            *("--run-time", f"{self.seconds}s", "--stop-timeout", str(LAST_ANSWERS_WITHIN)),
            *("--rate", str(self.rate), *(["--ignore-retry-after"] if self.ignore_retry_after else [])),
            *("--only-summary", "--exit-code-on-error", "0", "--loglevel", "WARNING"),
        ]


def whole_seconds(seconds: float) -> int:
    """Locust counts in whole seconds; what was asked for is rounded up."""
    return max(1, math.ceil(seconds))


class Generator:
    """One Locust process. As a context manager it is gone when the block is left, however that happens."""

    def __init__(self, plan: LoadPlan, environment: Mapping[str, str]) -> None:
        """Start it. `environment` is added to this process's own; it says where the site is."""
        self._plan = plan
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the process
        self._pipe, write_end = os.pipe()
        own = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
        try:
            self._process = subprocess.Popen(
                plan.command(),
                env={**own, **environment, PIPE: str(write_end), NAME: plan.name},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._log,
                pass_fds=(write_end,),
                # Ctrl-C in a terminal goes to a whole group: this one is to be told by its parent alone.
                start_new_session=True,
            )
        finally:
            os.close(write_end)
        self._give_up_at = time.monotonic() + _START_WITHIN + plan.seconds + LAST_ANSWERS_WITHIN

    def __enter__(self) -> Generator:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._process.wait(timeout=_LEAVE_WITHIN)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            self._process.kill()
            self._process.wait()
        os.close(self._pipe)
        self._log.close()

    def messages(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """What the load tells, `progress` each second and `summary` at the end, until it is over.

        Ends without a summary when the process dies or does not come to an end in its time.
        """
        unread = b""
        with selectors.DefaultSelector() as ready:
            ready.register(self._pipe, selectors.EVENT_READ)
            while time.monotonic() < self._give_up_at:
                if not ready.select(timeout=0.5):
                    continue
                arrived = os.read(self._pipe, 65536)
                if not arrived:
                    return
                *lines, unread = (unread + arrived).split(b"\n")
                for line in lines:
                    ((kind, content),) = json.loads(line).items()
                    yield kind, content
        self._process.kill()

    def interrupt(self) -> None:
        """Ask it to end now; a summary still comes."""
        self._give_up_at = min(self._give_up_at, time.monotonic() + _LEAVE_WITHIN)
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def failure(self) -> Failure:
        """Why there is no summary, in the last words of the process."""
        self._log.seek(0)
        lines = [line for line in self._log.read().splitlines() if line.strip()]
        cause = lines[-1] if lines else f"it ended with code {self._process.poll()} and said nothing"
        return Failure(f"the load generator failed: {cause[-300:]}", "is the site up? failwhale status")
