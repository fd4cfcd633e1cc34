"""Waiting until every part of a site of plain processes is ready."""

from __future__ import annotations

import time
from collections.abc import Callable

from foundation.failure import Failure
from foundation.state import State
from testbed.runtimes.advice import see_logs
from testbed.runtimes.processes.client import Processes

POLL_SECONDS = 0.03


def wait_until_ready(state: State, limit: float, note: Callable[[str], None]) -> None:
    """`limit` is of the monotonic clock. Raises Failure that names what is not ready, and why."""
    runtime = Processes(state)
    while True:
        rows = runtime.progress()
        open_rows = [row for row in rows if row["phase"] not in ("ready", "done")]
        if not open_rows:
            return
        for row in open_rows:
            if row["phase"] == "failed":
                raise Failure(f"{row['name']} {row['reason']}", see_logs(state, row["name"]))
        note(f"{len(rows) - len(open_rows)} of {len(rows)} parts ready")
        if time.monotonic() > limit:
            # What waits for another part is not the cause.
            causes = [row for row in open_rows if row["phase"] != "waiting"] or open_rows
            named = "; ".join(f"{row['name']} {row['phase']} ({row['reason']})" for row in causes)
            raise Failure(f"not ready in time: {named}", see_logs(state, causes[0]["name"]))
        time.sleep(POLL_SECONDS)
