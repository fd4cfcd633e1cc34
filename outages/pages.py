"""Who is paged: what Prometheus reports of its alerts, as to an Alertmanager (API v2), goes into the record.

There is nobody behind it who gets up at night; the record says who would have had to.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from foundation.clock import parse

PATH = "/api/v2/alerts"
SEVERITY = "page"
"""What is less can wait until somebody is at work, and is no page."""
MOST = 1000
"""Alerts that are remembered at a time."""

Alert = Mapping[str, Any]


class Pages:
    """Tells the same page once, although Prometheus repeats what goes on."""

    def __init__(self, append: Callable[..., object], now: Callable[[], float] = time.time) -> None:
        """`append(kind, **fields)` writes a record; `now` is the wall clock, which is that of Prometheus."""
        self._append = append
        self._now = now
        self._open: OrderedDict[str, str] = OrderedDict()
        """By their labels, since when."""

    def take(self, body: bytes) -> None:
        """Take one report. Raises ValueError for what is none."""
        alerts = json.loads(body)
        try:
            for alert in alerts:
                if alert["labels"].get("severity") == SEVERITY:
                    self._take(alert)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"no report of alerts: {error!r}") from None

    def _take(self, alert: Alert) -> None:
        labels, start = alert["labels"], alert["startsAt"]
        key = json.dumps(labels, sort_keys=True)
        if parse(alert["endsAt"]) <= self._now():
            if self._open.pop(key, None) is not None:
                self._tell("page.closed", labels, start, end=alert["endsAt"])
        elif self._open.get(key) != start:
            self._open[key] = start
            if len(self._open) > MOST:
                self._open.popitem(last=False)
            self._tell("page.opened", labels, start)

    def _tell(self, kind: str, labels: Mapping[str, str], start: str, end: str | None = None) -> None:
        self._append(
            kind,
            alert=labels["alertname"],
            journey=labels.get("journey"),
            labels=labels,
            start=start,
            end=end,
        )
