"""What came of a request, and the kinds of what can go wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

REFUSED = "refused"
HANDSHAKE = "handshake"
TIMEOUT = "timeout"
BROKEN = "broken"
THROTTLED = "throttled"
SHED = "shed"
WRONG_CONTENT = "wrong-content"

Check = Callable[[Any], str]
"""Looks at the JSON of an answer and says what is wrong with it; nothing when it is right."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request. `error` is its kind, empty for a good answer; `retry_after` is in seconds;
    `replicated` is what the site said of a write, None where it said nothing."""

    status: int
    body: Any
    error: str
    retry_after: float = 0.0
    replicated: bool | None = None
