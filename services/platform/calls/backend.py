"""One replica as its callers see it: what is in flight to it, and whether it is ejected."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from services.platform.calls.wire import Pool
from services.platform.injection.points import InjectionPoints
from services.platform.settings import Replica, certificate_name

FAILURES = 3
"""So many in a row, and the replica is ejected."""

FIRST_EJECTION_SECONDS = 0.5
LONGEST_EJECTION_SECONDS = 5.0


class Backend:
    """A replica: healthy; ejected for a while; or on trial, with one call that decides."""

    def __init__(
        self,
        service: str,
        replica: Replica,
        tls: Callable[[], ssl.SSLContext] | None,
        connect_seconds: float,
        faults: InjectionPoints | None = None,
    ) -> None:
        self.replica = replica
        self.name = f"{service}@{replica.place}"
        self.pool = Pool(
            replica.address,
            tls,
            connect_seconds=connect_seconds,
            faults=faults,
            part=certificate_name(self.name),
        )
        self.in_flight = 0
        self._failures = 0
        self._ejections = 0  # since it last did well
        self._aside_until: float | None = None
        self._on_trial = False

    def admits(self, now: float) -> bool:
        """Whether it should get a call: it is healthy, or its time is over and nobody tries it yet."""
        return self._aside_until is None or (now >= self._aside_until and not self._on_trial)

    def begin(self) -> None:
        """A call goes out; where the replica is ejected, it is the trial."""
        self.in_flight += 1
        self._on_trial = self._aside_until is not None

    def end(self) -> None:
        """A call has ended in whatever way; `succeeded` or `failed` says more, where more is known."""
        self.in_flight -= 1
        self._on_trial = False

    def succeeded(self) -> bool:
        """It did well. Returns whether that ended an ejection."""
        if not self._failures:
            return False
        was_aside = self._aside_until is not None
        self._failures = 0
        self._ejections = 0
        self._aside_until = None
        return was_aside

    def failed(self, now: float, *, by_its_own_word: bool = False) -> bool:
        """It did not answer, or badly. Returns whether it is ejected for that, each time for longer.

        `by_its_own_word`: it says that it cannot do its work, which needs no second and third time.
        """
        self._failures += 1
        if self._aside_until is None:
            if self._failures < FAILURES and not by_its_own_word:
                return False
        elif now < self._aside_until:
            return False  # one that was in flight when it was ejected
        self._aside_until = now + min(FIRST_EJECTION_SECONDS * 2**self._ejections, LONGEST_EJECTION_SECONDS)
        self._ejections += 1
        self.pool.drop_idle()  # so that a trial begins with the question whether it takes connections
        return True
