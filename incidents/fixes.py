"""What somebody on call types, done as if it were typed: a command in a process of its own."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

from foundation.console import spell_duration
from foundation.failure import USAGE, Failure
from foundation.state import State

WITHIN = 60.0
"""Seconds that a command may take."""


def carry_out(state: State, command: str) -> str:
    """Do what a person would type; returns why it could not be done, empty when it was. Raises Failure
    (usage) for what could not be typed, and so was not even tried."""
    environment = {**os.environ, "FAILWHALE_STATE": str(state.path)}
    words = [sys.executable, "-m", "failwhale", *shlex.split(command)[1:]]
    try:
        done = subprocess.run(
            words,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WITHIN,
        )
    except subprocess.TimeoutExpired:
        return f"{command}: not done within {spell_duration(WITHIN)}"
    said = " ".join((done.stderr or done.stdout).split())
    if done.returncode == USAGE:
        raise Failure(f"{command}: {said[-300:]}", "mend the file of the incident", USAGE)
    return f"{command}: exit code {done.returncode}: {said[-300:]}" if done.returncode else ""
