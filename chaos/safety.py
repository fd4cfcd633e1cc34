"""What no fault of this site may exceed, whoever asks for it: settings of the controller."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Self

from foundation.console import duration, spell_duration
from foundation.failure import FAILED, USAGE, Failure

LONGEST_VARIABLE, PARTS_VARIABLE = "FAILWHALE_LONGEST_FAULT", "FAILWHALE_MOST_PARTS"
LONGEST_SECONDS = 600.0


@dataclass(frozen=True)
class Safety:
    """Bounds: of how long one fault may last, and of how many parts all faults together may be on at a
    time (None: as many as there are)."""

    longest_seconds: float = LONGEST_SECONDS
    most_parts: int | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Raises Failure (usage) for a value that is none."""
        return cls(
            _longest(environment.get(LONGEST_VARIABLE, "")), _most(environment.get(PARTS_VARIABLE, ""))
        )

    def refuse_beyond(self, seconds: float, wanted: Collection[str], hurt: Collection[str]) -> None:
        """Raise Failure when a fault of so many seconds on the parts that are `wanted` would be too much,
        while others are on the parts that are `hurt`."""
        if seconds > self.longest_seconds:
            raise Failure(
                f"a fault may last {spell_duration(self.longest_seconds)} here, and not"
                f" {spell_duration(seconds)}",
                f"that is the setting {LONGEST_VARIABLE} of failwhale up",
                FAILED,
            )
        together = {*wanted, *hurt}
        if self.most_parts is not None and len(together) > self.most_parts:
            raise Failure(
                f"that would be faults on {len(together)} parts at a time, and {self.most_parts} are allowed"
                f" here",
                f"choose fewer targets, wait for the end of other faults, or see {PARTS_VARIABLE}",
                FAILED,
            )


UNBOUNDED = Safety()


def _longest(text: str) -> float:
    if not text:
        return LONGEST_SECONDS
    try:
        seconds = duration(text)
    except ValueError as error:
        raise Failure(f"{LONGEST_VARIABLE}: {error}", "for example 1m", USAGE) from None
    if not 0 < seconds <= LONGEST_SECONDS:
        most = spell_duration(LONGEST_SECONDS)
        raise Failure(f"{LONGEST_VARIABLE}: {text} is not above 0s and at most {most}", "", USAGE)
    return seconds


def _most(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or int(text) == 0:
        raise Failure(f"{PARTS_VARIABLE}: {text!r} is no number of parts", "for example 4", USAGE)
    return int(text)
