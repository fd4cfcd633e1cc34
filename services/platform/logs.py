"""Log lines of a service: one JSON object each, few, and never a flood."""

from __future__ import annotations

import json
import logging
import sys
import time
from datetime import UTC, datetime

from services.platform import request_ids

LINES_PER_SECOND = 20
"""How many failed requests per second are told one by one; the rest are told as a number."""


class _JsonLines(logging.Formatter):
    def __init__(self, release: str) -> None:
        super().__init__()
        self._release = release

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        if self._release:
            line["release"] = self._release
        request = getattr(record, "request", None) or request_ids.current.get()
        if request:
            line["request"] = request
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure_logging(release: str = "") -> None:
    """Send the log of this process, which runs this release, to standard error as JSON lines, from level info
    upwards.

    What libraries say about their own comings and goings is left out: they are heard from level warning
    upwards.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines(release))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    # At level warning it has a line for every client that does not speak HTTP.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    for ours in ("services", "chaos", "outages"):
        logging.getLogger(ours).setLevel(logging.INFO)


class FailureLog:
    """Tells of failed requests: so many per second, and then how many more there were."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._second = 0
        self._told = 0
        self._untold = 0

    def tell(self, method: str, path: str, status: int, seconds: float) -> None:
        """Log one failed request, or count it when this second has had enough of them."""
        self.note("%s %s answered %d after %.3f s", method, path, status, seconds)

    def note(self, message: str, *args: object) -> None:
        """The same for what made a request fail: a message and what is formatted into it."""
        second = int(time.monotonic())
        if second != self._second:
            if self._untold:
                self._logger.warning("%d more requests failed", self._untold)
            self._second, self._told, self._untold = second, 0, 0
        if self._told >= LINES_PER_SECOND:
            self._untold += 1
            return
        self._told += 1
        self._logger.warning(message, *args)
