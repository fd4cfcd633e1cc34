"""The ids that a service makes: none twice, also when it starts again after the clock has stepped back."""

from __future__ import annotations

from collections.abc import Callable

from services.platform import keys
from services.platform.ids import Snowflakes, wall_clock_milliseconds
from services.platform.store import Store


class WorkerIds:
    """The ids of one worker. The first is greater than the newest that is known from the event log."""

    def __init__(self, store: Store, worker: int, clock: Callable[[], int] = wall_clock_milliseconds) -> None:
        """`worker` and `clock` as in Snowflakes."""
        self._store = store
        self._worker = worker
        self._ids = Snowflakes(worker, clock)
        self._knows_the_newest = False

    async def next(self) -> int:
        """A new id, greater than every one that this worker made before. Raises the store's problems."""
        if not self._knows_the_newest:
            newest = await self._store.query("HGET", keys.NEWEST_IDS, self._worker)
            self._ids.begin_after(int(newest or 0))
            self._knows_the_newest = True
        return self._ids.next()
