"""Waiting for parts that were started, or mended."""

from __future__ import annotations

import time
from collections.abc import Iterable

from testbed.inventory import Part
from testbed.site import Site

POLL_SECONDS = 0.1


def wait_ready(site: Site, parts: Iterable[Part], seconds: float) -> list[str]:
    """Wait until these parts are ready; returns the names of those that are not after `seconds`."""
    end = time.monotonic() + seconds
    waiting = list(parts)
    while True:
        waiting = [part for part in waiting if not site.ready(part)]
        if not waiting or time.monotonic() > end:
            return [part.name for part in waiting]
        time.sleep(POLL_SECONDS)
