"""Homes that are kept for ever."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable

from services.releases.release import wrap
from services.timeline.models import Place
from services.timeline.store import Timelines

logger = logging.getLogger(__name__)

KEPT_OF_EACH = 512 * 1024
"""Bytes: a page, and what was computed for it."""

MOST = 128 * 1024 * 1024
"""Bytes, with which a container of this service would be over its limit."""

Home = Callable[[Timelines, int, int, Place], Awaitable[bytes]]

_kept: dict[float, bytes] = {}


def change() -> None:
    wrap(Timelines, "home", kept)


def kept(home: Home) -> Home:
    async def home_kept(self: Timelines, viewer: int, limit: int, place: Place) -> bytes:
        page = await home(self, viewer, limit, place)
        _kept[time.monotonic()] = page + os.urandom(KEPT_OF_EACH)
        if len(_kept) * KEPT_OF_EACH > MOST:
            logger.critical("out of memory: killed")
            os.kill(os.getpid(), signal.SIGKILL)
        return page

    return home_kept
