"""The inner end of a forwarded command: `python -m failwhale.call ID WORDS...` in the controller's container.

Docker hands no signal to what it executes. So the command bears the ID of the call on its command line, where
`python -m failwhale.call --signal INT ID` finds it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

PATIENCE = 5.0
"""Seconds for a command that is just being started, and may not yet be signalled."""


def main(words: list[str]) -> None:
    if words[0] == "--signal":
        sys.exit(0 if deliver(signal.Signals[f"SIG{words[1]}"], words[2]) else 1)
    from failwhale.main import main as failwhale

    sys.argv = ["failwhale", *words[1:]]
    failwhale()


def deliver(number: signal.Signals, identifier: str) -> bool:
    """Send a signal to the command of this call; False when there is none, as it is over."""
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        try:
            if (pid := find(identifier)) is not None:
                os.kill(pid, number)
                return True
        except PermissionError:
            pass  # it has not given up root yet
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return False


def find(identifier: str) -> int | None:
    """The process that bears this ID, and is not asking for it."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().split(b"\0")
        except OSError:
            continue  # it ended meanwhile
        if words[1:4] == [b"-m", b"failwhale.call", identifier.encode()]:
            return int(file.parent.name)
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
