"""What a journey is: a name, bounds on its time, and one attempt at it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from outages.cast import Cast
from outages.visit import Visit

Attempt = Callable[[Visit, Cast], Awaitable[None]]
"""Returns when the user got what was asked for. Raises Failed, or what outages.visit has for one that
says nothing: Untested, AttemptLeftOut."""

DELIVERY_LIMIT = 10.0
DELIVERY_SLOW = 5.0
"""Bounds in seconds for what travels through the event log: Twitter's own target for a timeline was 5 s."""


@dataclass(frozen=True)
class Journey:
    """One thing that users do. `limit` and `slow` are seconds from the intended start."""

    name: str
    attempt: Attempt
    limit: float = 3.0
    """An attempt that takes longer has failed by time-out."""
    slow: float = 1.0
    """One that takes longer was slow, if it succeeds."""
    edge: str | None = None
    """The only edge that is tried; None: both, in turn."""
    needs_cast: bool = True
