"""A line of a log: what a part wrote, and what of it can be told apart: when, how grave, in which words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cached_property
from typing import Any

_REDIS = re.compile(
    r"\d+:[A-Z] (?P<time>\d+ \w{3} \d{4} \d\d:\d\d:\d\d\.\d+) (?P<level>[.*#-]) (?P<words>.*)"
)
_REDIS_LEVELS = {".": "debug", "-": "info", "*": "info", "#": "warning"}
_REDIS_TIME = "%d %b %Y %H:%M:%S.%f"
_LOGFMT = re.compile(
    r"time=(?P<time>\S+) level=(?P<level>\w+) (?:source=\S+ )?"
    r'msg=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>\S+))(?P<rest>.*)'
)
"""How Prometheus writes."""
_OF_AN_ID = "[A-Za-z0-9_-]"


@dataclass(frozen=True)
class Told:
    """What could be told apart. `time` is in Unix seconds; None and empty where the line does not say."""

    words: str
    time: float | None = None
    level: str = ""
    more: Mapping[str, Any] | None = None
    """What else there is, by name: `request`, `traceback`."""


@dataclass(frozen=True)
class Line:
    """A line that a part wrote. `zone` is where its clock says what it says without an offset; None: here."""

    part: str
    text: str
    zone: tzinfo | None = None

    @cached_property
    def told(self) -> Told:
        """What can be told apart in it."""
        return (
            _from_json(self.text)
            or _from_redis(self.text, self.zone)
            or _from_logfmt(self.text)
            or Told(self.text)
        )

    def mentions(self, request: str) -> bool:
        """Whether it has the id of this request, as a whole."""
        return re.search(f"(?<!{_OF_AN_ID}){re.escape(request)}(?!{_OF_AN_ID})", self.text) is not None


def in_order(lines: Iterator[Line]) -> list[Line]:
    """By time. What says none, such as the rest of a traceback, stays behind the line before it."""
    timed = []
    part, moment = "", 0.0
    for line in lines:
        if line.part != part:
            part, moment = line.part, 0.0
        moment = line.told.time or moment
        timed.append((moment, line))
    return [line for _, line in sorted(timed, key=lambda pair: pair[0])]


def _from_json(text: str) -> Told | None:
    try:
        record = json.loads(text) if text.startswith("{") else None
    except ValueError:
        return None
    if not isinstance(record, dict) or "message" not in record:
        return None
    time, level = _moment(str(record.pop("time", ""))), str(record.pop("level", ""))
    return Told(str(record.pop("message")), time, level, record)


def _from_redis(text: str, zone: tzinfo | None) -> Told | None:
    match = _REDIS.fullmatch(text)
    if match is None:
        return None
    try:
        time = datetime.strptime(match["time"], _REDIS_TIME).replace(tzinfo=zone).timestamp()
    except ValueError:
        return None
    return Told(match["words"], time, _REDIS_LEVELS[match["level"]])


def _from_logfmt(text: str) -> Told | None:
    match = _LOGFMT.fullmatch(text)
    if match is None:
        return None
    words = (match["quoted"] or match["bare"] or "").replace('\\"', '"')
    return Told(f"{words}{match['rest']}", _moment(match["time"]), match["level"].lower())


def _moment(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None
