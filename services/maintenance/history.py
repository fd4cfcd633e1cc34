"""What is known of each job: when it was begun and done last, how long it took, how often it failed. It is
kept in the store, so that whoever leads next goes on from it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Self

from services.platform.keys import MAINTENANCE_JOBS
from services.platform.store import Script, Store

_KEEP = Script("#!lua flags=allow-oom\nredis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) return 1")

RETRY_SHARE = 0.1
"""A job that failed is done again after this share of its interval."""

GRACE_SECONDS = 5.0
"""Beside the interval: what a busy machine and a change of the leader may take."""


@dataclass(frozen=True, slots=True)
class JobHistory:
    """Of one job. Times are Unix seconds, durations seconds; None: never."""

    since: float
    """When somebody first meant to do it."""
    begun: float | None = None
    succeeded: float | None = None
    duration: float | None = None
    """Of the last run that ended."""
    runs: int = 0
    """Runs that were begun."""
    failures: int = 0
    """Runs that failed, or were cut."""
    error: str | None = None
    """Of the last run that ended; None: it went well."""

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Raises ValueError, TypeError where `text` is not what `keep` wrote."""
        return cls(**json.loads(text))

    def due(self, interval: float) -> float:
        """When it is to be begun next; `interval` in seconds."""
        if self.begun is None:
            return self.since + interval
        return self.begun + interval * (RETRY_SHARE if self.error is not None else 1.0)

    def age(self, now: float) -> float:
        """Seconds since the last success, or since it was first meant to be done."""
        return max(0.0, now - (self.since if self.succeeded is None else self.succeeded))

    def is_late(self, interval: float, now: float) -> bool:
        """Whether two intervals have passed without a success."""
        return self.age(now) > 2 * interval + GRACE_SECONDS

    def at_begin(self, now: float) -> JobHistory:
        return replace(self, begun=now, runs=self.runs + 1)

    def at_end(self, now: float, duration: float, error: str | None) -> JobHistory:
        """`error`: why it failed; None: it went well."""
        if error is None:
            return replace(self, succeeded=now, duration=duration, error=None)
        return replace(self, duration=duration, failures=self.failures + 1, error=error)


class Histories:
    """Those of all jobs in the store. Its methods raise the store's problems."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self, names: Iterable[str], now: float) -> dict[str, JobHistory]:
        """Of these jobs. One that nobody has meant to do yet, or that was noted for a time to come, begins
        now."""
        wanted = list(names)
        found = await self._store.query("HMGET", MAINTENANCE_JOBS, *wanted)
        return {name: _read(text, now) for name, text in zip(wanted, found, strict=True)}

    async def keep(self, name: str, history: JobHistory) -> None:
        text = json.dumps(asdict(history))
        await self._store.write(_KEEP, (MAINTENANCE_JOBS,), (name, text), repeatable=True, replicate=False)


def _read(text: bytes | None, now: float) -> JobHistory:
    try:
        history = JobHistory.parse(text) if text else JobHistory(now)
    except (ValueError, TypeError):
        return JobHistory(now)
    newest = max(history.since, history.begun or 0.0, history.succeeded or 0.0)
    return JobHistory(now) if newest > now + GRACE_SECONDS else history
