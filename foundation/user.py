"""Who gives the commands. Standard library only."""

from __future__ import annotations

import getpass
import os

VARIABLE = "FAILWHALE_USER"
"""Says another name than the machine's: a command that runs in a container has it from outside."""


def user() -> str:
    """The name of who runs this; where the machine knows none, the number."""
    if named := os.environ.get(VARIABLE):
        return named
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without an entry, as in a container; OSError since Python 3.13
        return f"user {os.getuid()}"
