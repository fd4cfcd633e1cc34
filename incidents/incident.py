"""What an incident is: a story with what is broken, what is expected of it, and what ends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from foundation.console import duration
from foundation.verdict import Verdict
from incidents.planned import PlannedInjection, PlannedRelease
from testbed.decoding import WRITTEN

Kind = Literal["down", "slow", "hurt"]
"""How users are hurt by it; `hurt`: down or slow."""

HOLD = "60s"
"""How long what is injected lasts where something else is to end it."""


@dataclass(frozen=True)
class Sign:
    """Where to look, as a query to Prometheus, and the value from which on, or down to which, it is seen."""

    what: str
    query: str
    at_least: float | None = field(default=None, metadata={WRITTEN: "at-least"})
    at_most: float | None = field(default=None, metadata={WRITTEN: "at-most"})

    def holds(self, value: float | None) -> Verdict:
        """Whether a value is that of the incident; None: there is no value, so nobody can say."""
        if value is None:
            return None
        return value >= self.at_least if self.at_least is not None else value <= (self.at_most or 0.0)

    @property
    def bound(self) -> str:
        """The condition in words."""
        return f"at least {self.at_least:g}" if self.at_least is not None else f"at most {self.at_most:g}"


@dataclass(frozen=True)
class ExpectedAlert:
    """An alert that has to fire, and within what time after the beginning."""

    name: str
    within: str = "10s"


@dataclass(frozen=True)
class Expectation:
    """What has to be seen. Durations are written as on the command line."""

    hurt: Mapping[str, Kind] = field(default_factory=dict)
    """Journeys. All others have to stay well, but for those of `may_hurt`."""
    may_hurt: tuple[str, ...] = field(default=(), metadata={WRITTEN: "may-hurt"})
    within: str = "6s"
    """After the beginning, each of them has to be hurt."""
    signs: tuple[Sign, ...] = ()
    """That are not seen before, and are seen meanwhile."""
    stays: tuple[Sign, ...] = ()
    """What holds before and all the while: where there is nothing to be seen."""
    alert: ExpectedAlert | None = None
    paged: bool | None = None
    """Whether somebody is paged; None: that is not looked at."""
    recovered_within: str = field(default="10s", metadata={WRITTEN: "recovered-within"})
    """After the end of all that was injected, every journey has to be green."""


@dataclass(frozen=True)
class Fix:
    """Commands that somebody on call would type."""

    commands: tuple[str, ...]
    why: str
    """It helps, or does not help."""
    well_within: str = field(default="15s", metadata={WRITTEN: "well-within"})
    """From the first command on, users have to be well; a wrong fix is only looked at for some seconds."""


@dataclass(frozen=True)
class Incident:
    """As its file has it; `id` is the name of the file."""

    title: str
    story: str
    look_for: str = field(metadata={WRITTEN: "look-for"})
    expect: Expectation
    mitigation: Fix
    wrong_fix: Fix = field(metadata={WRITTEN: "wrong-fix"})
    precedent: str = ""
    people: int = 0
    """Who use the site meanwhile, beside the prober."""
    release: PlannedRelease | None = None
    injections: tuple[PlannedInjection, ...] = ()
    id: str = ""

    @property
    def lasts(self) -> float:
        """Seconds from the beginning to the end of what is injected, if nobody ends it before."""
        ends = [one.begins + duration(one.lasts) for one in self.injections]
        return max([*ends, *([duration(self.release.lasts)] if self.release else [])])

    def prolonged(self) -> Incident:
        """The same, with what is injected lasting for as long as it takes to see whether a fix helps."""
        return replace(
            self,
            injections=tuple(
                one if one.ends_by_itself else replace(one, lasts=HOLD) for one in self.injections
            ),
        )
