"""Asking the Alertmanager what it tells nobody: that a page was acknowledged, and that it is over then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from outages.pages import Pages
from testbed.control import Control, Unreachable

ASK_EVERY = 1.0

logger = logging.getLogger(__name__)


class Acknowledgements:
    """Asks while a page is open, once a second."""

    def __init__(self, pages: Pages, alertmanager: Callable[[], Control]) -> None:
        """`alertmanager` is asked anew each time, since certificates change. It may raise OSError."""
        self._pages = pages
        self._alertmanager = alertmanager

    async def run(self) -> None:
        """Go on until cancelled. An Alertmanager that does not answer tells nothing."""
        while True:
            await asyncio.sleep(ASK_EVERY)
            if self._pages.are_notified:
                await self._ask()

    async def _ask(self) -> None:
        try:
            alerts = await asyncio.to_thread(self._get, "/api/v2/alerts")
            silences = {
                one: await asyncio.to_thread(self._get, f"/api/v2/silence/{one}") for one in _silences(alerts)
            }
            self._pages.compare(alerts, silences)
        except (Unreachable, OSError, ValueError, KeyError, TypeError) as error:
            logger.debug("the Alertmanager tells nothing: %r", error)

    def _get(self, path: str) -> Any:
        return self._alertmanager().ask("GET", path).json()


def _silences(alerts: list[dict[str, Any]]) -> set[str]:
    return {one for alert in alerts for one in alert["status"]["silencedBy"]}
