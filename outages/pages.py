"""Who is paged: what the Alertmanager tells goes into the record; without one, what Prometheus reports.

There is nobody behind it who gets up at night; the record says who would have had to, and who has.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foundation.clock import parse, stamp

REPORTS = "/api/v2/alerts"
"""Where Prometheus reports its alerts, as to an Alertmanager."""
NOTIFICATIONS = "/pages"
"""Where the Alertmanager calls."""
SEVERITY = "page"
"""What is less can wait until somebody is at work, and is no page."""
MOST = 1000
"""Alerts that are remembered at a time."""
GONE_AFTER = 15.0
"""Seconds for which an alert is not among the Alertmanager's until it is over: one that was killed hears of
it again within ten."""

Alert = Mapping[str, Any]
Labels = Mapping[str, str]


@dataclass
class _Open:
    """A page that came. Times are Unix seconds, but for `start`, which is as it was told."""

    labels: Labels
    start: str
    is_notified: bool
    """By the Alertmanager, which can be asked for it."""
    is_acknowledged: bool = False
    missing_since: float | None = None


class Pages:
    """Tells the same page once, although it is repeated while it goes on."""

    def __init__(self, append: Callable[..., object], now: Callable[[], float] = time.time) -> None:
        """`append(kind, **fields)` writes a record; `now` is the wall clock, which is that of Prometheus."""
        self._append = append
        self._now = now
        self._open: OrderedDict[str, _Open] = OrderedDict()
        """By their labels."""

    def take_report(self, body: bytes) -> None:
        """Take what Prometheus reports of its alerts, of all severities. Raises ValueError for what is no
        report."""
        self._take(
            lambda: [
                (alert, parse(alert["endsAt"]) <= self._now())
                for alert in json.loads(body)
                if alert["labels"].get("severity") == SEVERITY
            ],
            is_notified=False,
        )

    def take_notification(self, body: bytes) -> None:
        """Take what the Alertmanager's webhook tells, which are pages. Raises ValueError for what is no
        notification."""
        self._take(
            lambda: [(alert, alert["status"] == "resolved") for alert in json.loads(body)["alerts"]],
            is_notified=True,
        )

    @property
    def are_notified(self) -> bool:
        """Whether one is open of which the Alertmanager knows more."""
        return any(page.is_notified for page in self._open.values())

    def compare(self, alerts: Sequence[Alert], silences: Mapping[str, Mapping[str, Any]]) -> None:
        """Look what the Alertmanager says of its alerts (GET /api/v2/alerts): a page is acknowledged by a
        silence; and of the end of one that is, or whose telling a kill made it forget, nobody is notified.
        `silences` are by their ids."""
        there = {_key(alert["labels"]): alert for alert in alerts}
        for key, page in list(self._open.items()):
            if key not in there:
                if page.is_notified:
                    self._miss(key, page)
                continue
            page.missing_since = None
            silenced_by = there[key]["status"]["silencedBy"]
            if silenced_by and not page.is_acknowledged:
                page.is_acknowledged = True
                by = silences[silenced_by[0]]
                who = {"by": by["createdBy"], "reason": by.get("comment"), "until": by["endsAt"]}
                self._tell("page.acknowledged", page.labels, page.start, **who)

    def _miss(self, key: str, page: _Open) -> None:
        now = self._now()
        page.missing_since = now if page.missing_since is None else page.missing_since
        if now - page.missing_since >= GONE_AFTER:
            del self._open[key]
            self._tell("page.closed", page.labels, page.start, end=stamp(page.missing_since))

    def _take(self, read: Callable[[], list[tuple[Alert, bool]]], *, is_notified: bool) -> None:
        """`read` gives alerts, each with whether it is over."""
        try:
            for alert, is_over in read():
                self._take_one(alert, is_over, is_notified)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"no alerts: {error!r}") from None

    def _take_one(self, alert: Alert, is_over: bool, is_notified: bool) -> None:
        labels, start = alert["labels"], alert["startsAt"]
        key = _key(labels)
        if is_over:
            if self._open.pop(key, None) is not None:
                self._tell("page.closed", labels, start, end=alert["endsAt"])
        elif key not in self._open or self._open[key].start != start:
            self._open[key] = _Open(labels, start, is_notified)
            if len(self._open) > MOST:
                self._open.popitem(last=False)
            self._tell("page.opened", labels, start, end=None)

    def _tell(self, kind: str, labels: Labels, start: str, **more: object) -> None:
        self._append(
            kind, alert=labels["alertname"], journey=labels.get("journey"), labels=labels, start=start, **more
        )


def _key(labels: Labels) -> str:
    return json.dumps(labels, sort_keys=True)
