"""How often passwords may be guessed, for one account, in a way that locks nobody out.

A plain bound per account is a weapon: whoever knows a handle guesses wrongly until its owner cannot log in. A
bound per address is none, where many people share one or an attacker has many. So the allowance belongs to a
device (OWASP calls them device cookies): whoever logged in with success gets a device token with the session,
for this account alone, and sends it with the next login. Logins with one have an allowance of their own each.
All others share a small one for the account, which a guesser can use up; that stops the guessing, open
sessions and every device that was ever signed in. Only the owner with a new device, during an attack, waits.

Each `auth` counts for itself, in memory: a login needs no primary, and there are two of them, so that the
bounds hold twice.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from services.platform.problems import Problem
from services.platform.rate_limit import RateLimit

AT_ONCE = 20
"""Wrong passwords in a row; also the logins of one device, or of all new ones, that are checked at a time."""

SECONDS_FOR_ONE = 120.0
"""After that time there is one more."""


@dataclass
class Guess:
    """A password that is being checked; it costs something if it turns out to be wrong."""

    wrong: bool = False


class Guesses:
    """Counts wrong passwords."""

    def __init__(self) -> None:
        self._allowance = RateLimit(1 / SECONDS_FOR_ONE, AT_ONCE)

    @contextmanager
    def guess(self, name: str, device: str | None) -> Iterator[Guess]:
        """Around the check of a password for a handle, on a device that is known to be of its account (None:
        on another). Raises Problem 429, also where there is no such account: nobody learns of that."""
        key = (
            f"name:{name.lower()}"
            if device is None
            else f"device:{hashlib.sha256(device.encode()).hexdigest()}"
        )
        wait = self._allowance.take(key)
        if wait:
            raise Problem(
                429,
                "too-many-guesses",
                "Too many wrong passwords",
                "A device that was signed in to this account before can still log in.",
                headers={"Retry-After": str(math.ceil(wait))},
            )
        guess = Guess()
        try:
            yield guess
        finally:
            # Taken before the check, so that many at a time are bounded as well.
            if not guess.wrong:
                self._allowance.give_back(key)
