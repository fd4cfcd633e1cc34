"""How a promotion goes, as the sentinels tell it several times a second."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from foundation.state import State
from testbed.sentinels import agreed_primary
from testbed.site import Site

LOOK_EVERY = 0.05


@dataclass(frozen=True)
class Phases:
    """Seconds from the loss until each; None: that was not seen, or there was nothing to promote."""

    noticed: float | None = None
    """The first sentinel takes the primary for dead."""
    decided: float | None = None
    """One of them promotes another."""
    promoted: float | None = None
    """All agree on the new one."""


@dataclass
class _Seen:
    noticed: float | None = None
    decided: float | None = None
    promoted: float | None = None


class Promotion:
    """Looks, in a thread of its own, from the beginning of the block to its end."""

    def __init__(self, state: State, *, asks: bool) -> None:
        self._site = Site(state)
        self._asks = asks
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look_again_and_again, daemon=True)
        self._seen = _Seen()

    def __enter__(self) -> Promotion:
        self._former = self._site.agreed_primary() if self._asks else None
        if self._former is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        if self._former is not None:
            self._thread.join()

    def phases(self, lost: float) -> Phases:
        """`lost` is when the primary was (Unix seconds)."""
        return Phases(*(None if at is None else max(0.0, at - lost) for at in vars(self._seen).values()))

    def _look_again_and_again(self) -> None:
        while not self._end.is_set() and self._seen.promoted is None:
            self._look()
            self._end.wait(LOOK_EVERY)

    def _look(self) -> None:
        now, seen = time.time(), self._seen
        opinions, sentinels = self._site.opinions()
        if seen.noticed is None and any(one.misses_primary for one in opinions):
            seen.noticed = now
        if seen.decided is None and any(one.failing_over for one in opinions):
            seen.decided = now
        agreed = agreed_primary(opinions, sentinels)
        if agreed is not None and agreed != self._former:
            seen.promoted = now
            seen.decided = seen.decided or now
            seen.noticed = seen.noticed or seen.decided
