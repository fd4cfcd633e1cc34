"""The supervisor's own log."""

from __future__ import annotations

import json
import sys
import time

from foundation.clock import stamp


def note(message: str, **more: str) -> None:
    """A line in the supervisor's log, of the same form as the services' lines. A full disk loses it."""
    try:
        print(
            json.dumps({"time": stamp(time.time()), "level": "info", "message": message, **more}),
            file=sys.stderr,
            flush=True,
        )
    except OSError:
        pass
