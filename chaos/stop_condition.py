"""When a fault shall end before its limit, since users are hurt more than was meant: `down > 6 journeys`,
`login down`, `slow >= 3 journeys for 5s`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from chaos.journeys import JOURNEYS_OF
from foundation.console import duration
from foundation.failure import USAGE, Failure
from testbed.instruments import JourneyRow

EXAMPLES = "'down > 6 journeys', 'login down', 'hurt >= 3 journeys for 5s' (down, slow, or hurt: either)"
_STATES: Mapping[str, frozenset[str]] = {
    "down": frozenset({"down"}),
    "slow": frozenset({"slow"}),
    "hurt": frozenset({"down", "slow"}),
}
_COUNT = re.compile(r"(?P<state>down|slow|hurt) *(?P<than>>=?) *(?P<number>\d{1,2})(?: +journeys?)?")
_ONE = re.compile(r"(?P<journey>[a-z-]+) +(?P<state>down|slow|hurt)")


@dataclass(frozen=True)
class StopCondition:
    """It is met once it has held for so many seconds."""

    text: str
    states: frozenset[str]
    least: int
    """So many of the journeys are in one of the states."""
    journey: str | None = None
    """Only this one counts; None: all."""
    seconds: float = 0.0

    @classmethod
    def parse(cls, text: str) -> StopCondition:
        """Raises Failure (usage) with examples for what is none, or can never be met."""
        every = JOURNEYS_OF["frontend"]
        words, _, lasting = " ".join(text.split()).partition(" for ")
        try:
            seconds = duration(lasting) if lasting else 0.0
        except ValueError as error:
            raise _refusal(text, str(error)) from None
        if found := _COUNT.fullmatch(words):
            least = int(found["number"]) + (found["than"] == ">")
            if not 0 < least <= len(every):
                raise _refusal(text, f"there are {len(every)} journeys")
            return cls(text, _STATES[found["state"]], least, seconds=seconds)
        if found := _ONE.fullmatch(words):
            if found["journey"] not in every:
                raise _refusal(text, f"there is no journey {found['journey']!r}: {', '.join(every)}")
            return cls(text, _STATES[found["state"]], 1, found["journey"], seconds)
        raise _refusal(text, "it has another form")

    def hurt(self, journeys: Mapping[str, JourneyRow]) -> list[str]:
        """The journeys that count and are in one of the states now."""
        return [
            name
            for name, row in journeys.items()
            if self.journey in (None, name) and row["state"] in self.states
        ]

    def holds(self, journeys: Mapping[str, JourneyRow]) -> bool:
        """Whether it holds at this moment."""
        return len(self.hurt(journeys)) >= self.least


def _refusal(text: str, why: str) -> Failure:
    return Failure(f"{text!r} is no stop condition: {why}", f"for example {EXAMPLES}", USAGE)
