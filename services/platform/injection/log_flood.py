"""log-flood: so many kilobytes a second are written into the log of this part, up to a most."""

from __future__ import annotations

import asyncio
import logging

from services.platform.injection.applied import AppliedFault

MEGABYTE = 1_000_000
LINE_BYTES = 4000
TICK_SECONDS = 0.05
AT_ONCE_SECONDS = 0.2
"""No more than what is due in so many seconds is written at a time, however late it is."""

_PADDING = "." * LINE_BYTES

logger = logging.getLogger(__name__)


async def flood_log(applied: AppliedFault) -> None:
    """Write until the most is reached, or the fault ends. Each line says how much was written by then."""
    rate, most = applied.fault.kilobytes * 1000, applied.fault.most * MEGABYTE
    clock = asyncio.get_running_loop().time
    written, looked = 0, clock()
    due = 0.0
    while written < most:
        await asyncio.sleep(TICK_SECONDS)
        now = clock()
        due = min(most, due + rate * min(now - looked, AT_ONCE_SECONDS))
        looked = now
        while written < due:
            written += LINE_BYTES
            logger.info("%s: %.1f MB %s", applied.id, written / MEGABYTE, _PADDING)
