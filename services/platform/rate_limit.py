"""Rate limits: a token bucket for each key.

A bucket is kept as one number, the time at which it will be full again (the generic cell rate algorithm). It
needs no refill, and one that is full again can be forgotten, which bounds the memory.
"""

from time import monotonic

_PRUNE_AT = 10_000

CLOSED_SECONDS = 5.0
"""After which somebody may ask again who may ask for nothing."""


class RateLimit:
    """Allows `rate` requests per second for each key, and a burst of `burst` on top of the steady flow."""

    def __init__(self, rate: float, burst: int) -> None:
        if rate <= 0 or burst < 1:
            raise ValueError("a rate limit needs a rate above 0 and a burst of at least 1")
        self.allowance: tuple[float | None, int | None] = (rate, burst)
        self._interval = 1 / rate
        self._depth = burst * self._interval
        self._full_at: dict[str, float] = {}
        self._prune_at = _PRUNE_AT

    def take(self, key: str, now: float | None = None, kept_free: float = 0.0) -> float:
        """Takes one token of `key`: 0.0 when there was one, else the seconds until there will be one. This
        share of the burst is left for others."""
        now = monotonic() if now is None else now
        full_at = self._full_at.get(key, now)
        full_at = (full_at if full_at > now else now) + self._interval
        # The tolerance keeps a sum of rounded intervals from refusing the last token of a burst.
        wait = full_at - now - self._depth * (1 - kept_free)
        if wait > 1e-9:
            return wait
        self._full_at[key] = full_at
        if len(self._full_at) > self._prune_at:
            self._prune(now)
        return 0.0

    def give_back(self, key: str, now: float | None = None) -> None:
        """Puts a token back that was taken and is not needed after all."""
        now = monotonic() if now is None else now
        if key not in self._full_at:
            return
        self._full_at[key] -= self._interval
        if self._full_at[key] <= now:
            del self._full_at[key]

    def _prune(self, now: float) -> None:
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        # Twice what is really in use, so that a crowd of live keys does not make every request prune.
        self._prune_at = max(_PRUNE_AT, 2 * len(self._full_at))


class NothingAllowed:
    """Allows nothing: the limit of which nobody knows how high it is."""

    def __init__(self, rate: float | None, burst: int | None) -> None:
        self.allowance = (rate, burst)

    def take(self, key: str, now: float | None = None, kept_free: float = 0.0) -> float:
        """Refuses whatever the key."""
        return CLOSED_SECONDS


Limit = RateLimit | NothingAllowed


def limit_of(rate: float | None, burst: int | None, former: Limit | None = None) -> Limit:
    """What allows `rate` per second and a burst; nothing where one of them is missing or zero. The former
    limit, with what was taken of it, where it allows the same. Raises TypeError for what is no number."""
    if former is not None and former.allowance == (rate, burst):
        return former
    if not rate or not burst:
        return NothingAllowed(rate, burst)
    if not isinstance(rate, (int, float)) or not isinstance(burst, int):
        raise TypeError(f"a rate of {rate!r} and a burst of {burst!r} are no limit")
    return RateLimit(rate, burst)
