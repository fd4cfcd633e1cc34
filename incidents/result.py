"""How an incident is played, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from incidents.incident import Fix, Incident
from incidents.judge import Finding, FixSeen, Outcome
from outages.model import UNDER_WAY, Felt
from outages.rule_sets import RuleSetScore


class Control(StrEnum):
    """A run that has to come out otherwise, or no verdict of the incident counts."""

    NO_OP = "no-op"
    """Nothing is injected: it may not be as expected."""
    WRONG_FIX = "wrong-fix"
    """The wrong fix is tried: users may not be well of it."""


@dataclass(frozen=True)
class Manner:
    """How an incident is played."""

    mitigate: bool = False
    control: Control | None = None
    noise: int | None = None
    """The seed of harmless faults beside it."""

    @property
    def word(self) -> str:
        """What it is called in the record."""
        return self.control or ("mitigate" if self.mitigate else "play")

    def fix_of(self, incident: Incident) -> Fix | None:
        """What is tried."""
        if self.control is Control.WRONG_FIX:
            return incident.wrong_fix
        return incident.mitigation if self.mitigate else None


@dataclass
class Result:
    """One run. Times are Unix seconds."""

    incident: Incident
    manner: Manner
    outcome: Outcome
    findings: Sequence[Finding]
    began: float
    finished: float = 0.0
    outages: Sequence[Felt] = ()
    alerts: Mapping[str, float] = field(default_factory=dict)
    """Seconds after the beginning at which each was seen to fire."""
    rule_sets: Mapping[str, RuleSetScore] = field(default_factory=dict)
    """What each set of alerting rules made of it."""
    checker: Finding | None = None
    """Of what the site has acknowledged meanwhile; None: nobody used it, but the prober."""
    fix: FixSeen | None = None
    why: str = ""
    """It was not played, or not to its end."""

    @property
    def is_good(self) -> bool:
        """Whether it came out as it has to: an incident as expected, a control not."""
        if self.manner.control is Control.NO_OP:
            return self.outcome in (Outcome.DEVIATED, Outcome.INCONCLUSIVE)
        return self.outcome is Outcome.AS_EXPECTED

    @property
    def hurt(self) -> list[str]:
        """The journeys whose outages began with it."""
        since = self.began - UNDER_WAY
        return list(dict.fromkeys(one.journey for one in self.outages if one.start >= since))

    @property
    def not_as_expected(self) -> str:
        """What was not, in words."""
        return self.why or "; ".join(f"{one.what}: {one.seen}" for one in self.findings if not one.verdict)
