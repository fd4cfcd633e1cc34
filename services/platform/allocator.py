"""What the C library keeps of the memory that was freed: given back to the system now and then.

uvloop takes 256 KiB for each connection and for each read of TLS, and other things come to lie between what
is freed of that: of a front end's 17 MB at its start there were 27 after an hour, a third of them unused.
"""

from __future__ import annotations

import ctypes
import time

EVERY_SECONDS = 10.0
"""It takes a tenth of a millisecond, and a whole one at most."""


class Allocator:
    """The C library's; where it is not glibc's nothing is given back."""

    def __init__(self) -> None:
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        self._due = time.monotonic() + EVERY_SECONDS

    def look(self) -> bool:
        """To be called about once a second. Returns whether it was time."""
        now = time.monotonic()
        if self._trim is None or now < self._due:
            return False
        self._due = now + EVERY_SECONDS
        self._trim(0)
        return True
