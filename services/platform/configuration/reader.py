"""What a part goes by: the newest document that it has read or was handed, and why, if it refused one.

The store is the source. It is asked twice a second, and not listened to: a question is as good after a
failover, needs no connection of its own, and is answered with nothing while nothing is new.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from redis.exceptions import RedisError

from services.platform import keys
from services.platform.calls import deadline
from services.platform.configuration.document import INITIAL, Document
from services.platform.problems import Problem
from services.platform.store import Script, Store

logger = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 0.5
"""A change is in force everywhere after this and the time of an answer."""

LOOK_SECONDS = 1.0
"""How long the store may take to answer."""

_GIVE_BACK = Script(
    f"return redis.call('XADD', '{keys.CONFIGURATION}', 'MAXLEN', '~', {keys.CONFIGURATIONS_KEPT},"
    " ARGV[1] .. '-0', 'document', ARGV[2])"
)

Apply = Callable[[Document], None]


class Configuration:
    """Of one process. `look_always` keeps it fresh.

    While the source is away, what was read last stays. A part that starts meanwhile goes by the defaults,
    until it can read or is handed a document. A part never goes back to an older version: to roll back is to
    make a new one. Where it has a newer one than the source, since it was handed that, it gives it back.
    """

    def __init__(self, store: Store, on_version: Callable[[int], None] | None = None) -> None:
        """`on_version` is called with each version that comes into force (metrics follow it)."""
        self.current = INITIAL
        self.former: Document | None = None
        self.since: float | None = None
        """When the present one came into force (Unix seconds)."""
        self.refused = ""
        """Why the newest document is not in force here; empty when it is."""
        self._refused_version = 0
        self._store = store
        self._on_version = on_version
        self._appliers: list[Apply] = []
        self._known = asyncio.Event()
        self._read_at: float | None = None

    def value(self, key: str) -> Any:
        """What a key is now."""
        return self.current.value(key)

    def follow(self, apply: Apply) -> None:
        """Have each document applied, the present one now. `apply` raises ValueError, TypeError where it
        cannot be used; then this part refuses the document, and the one before is applied again."""
        self._appliers.append(apply)
        apply(self.current)

    def take(self, document: Document) -> None:
        """Go by a document, if it is newer than what is in force."""
        if document.version <= max(self.current.version, self._refused_version):
            return
        try:
            for apply in self._appliers:
                apply(document)
        except (ValueError, TypeError, KeyError) as error:
            for apply in self._appliers:
                apply(self.current)
            self._refuse(document.version, error)
            return
        self.former, self.current, self.refused = self.current, document, ""
        self.since = time.time()
        if self._on_version is not None:
            self._on_version(document.version)
        logger.info("goes by version %d of the configuration, by %s", document.version, document.by)

    @property
    def unread_seconds(self) -> float | None:
        """Seconds since the source was read; None: never so far."""
        return None if self._read_at is None else time.monotonic() - self._read_at

    async def wait_until_known(self, seconds: float) -> None:
        """Wait for the first look, but no longer than so many seconds; `look_always` has to run meanwhile."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._known.wait()

    async def look_always(self) -> None:
        """Read the source again and again, until cancelled."""
        while True:
            try:
                with deadline.afresh_within(LOOK_SECONDS):
                    await self._look()
            except (Problem, RedisError) as error:
                logger.debug("reading the configuration: %s", error)  # the store's own readiness tells of it
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _look(self) -> None:
        mine = self.current
        since = f"{mine.version}-0"
        found = await self._store.query("XREVRANGE", keys.CONFIGURATION, "+", since, "COUNT", 1)
        self._read_at = time.monotonic()
        if found:
            self._read(*found[0])
        elif mine.version:
            await self._store.write(_GIVE_BACK, (), (mine.version, mine.text()), repeatable=True)
        self._known.set()

    def _read(self, identifier: bytes, fields: list[bytes]) -> None:
        version = int(identifier.partition(b"-")[0])
        if version <= max(self.current.version, self._refused_version):
            return
        try:
            self.take(Document.parse(fields[1]))
        except ValueError as error:
            self._refuse(version, error)

    def _refuse(self, version: int, error: Exception) -> None:
        self._refused_version, self.refused = version, f"version {version} cannot be used: {error}"
        logger.error("version %d of the configuration cannot be used: %s", version, error)
