"""Lab time: the days in which the site's upkeep is counted, which may be shorter than real ones.

How long a lab day takes is one setting, FAILWHALE_DAY: `24h` is a real day (the default, so that nothing
expires by itself in a first evening); with `1s` a year goes by in six minutes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from services.platform.settings import SettingsError

VARIABLE = "FAILWHALE_DAY"

REAL_DAY_SECONDS = 86_400.0

SHORTEST_DAY_SECONDS = 0.1
"""A day holds several jobs, each of which takes some milliseconds."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")


@dataclass(frozen=True, slots=True)
class LabTime:
    """The scale of lab time."""

    day_seconds: float = REAL_DAY_SECONDS

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """The scale that FAILWHALE_DAY gives; a real day where it is unset or empty. Raises SettingsError."""
        text = environment.get(VARIABLE)
        return cls(_day_seconds(text)) if text else cls()

    def seconds(self, days: float) -> float:
        """So many lab days, in real seconds."""
        return days * self.day_seconds

    def days(self, seconds: float) -> float:
        """So many real seconds, in lab days."""
        return seconds / self.day_seconds


def _day_seconds(text: str) -> float:
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise SettingsError(f"{VARIABLE} must be a duration such as 1s, 10s, 5m or 24h, not {text!r}")
    seconds = float(match[1]) * _UNITS[match[2]]
    if not SHORTEST_DAY_SECONDS <= seconds <= REAL_DAY_SECONDS:
        raise SettingsError(
            f"{VARIABLE} must be between {SHORTEST_DAY_SECONDS:g}s and 24h, a real day, not {text!r}"
        )
    return seconds
