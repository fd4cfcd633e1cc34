"""What the checker found, and what follows from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from foundation.verdict import Verdict

LEAST_REPLICATED = 0.1
"""Of what was acknowledged, the share that a replica must have had. Where it was less, hardly anything was
promised to survive, and that nothing of it was lost says nothing about the site."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A post that is not as it should be; `where` is the site as a whole or a timeline. Or a change that was
    not kept: then `post` is what it is about, and `where` its kind."""

    post: str
    author: str
    where: str
    what: str = ""


@dataclass
class Findings:
    """What was found. `holds` is None when it is not known whether the promise was kept."""

    holds: Verdict
    because: str
    acknowledged: int = 0
    """Posts."""
    changes: int = 0
    """Likes, follows and the like: those that were the last of their kind, which must be so now."""
    replicated: int = 0
    """How many of all these a replica had, by the word of the site."""
    timelines: int = 0
    looked_for: int = 0
    """How many times a post was looked for on a timeline."""
    lost: list[Finding] = field(default_factory=list)
    duplicated: list[Finding] = field(default_factory=list)
    altered: list[Finding] = field(default_factory=list)
    returned: list[Finding] = field(default_factory=list)
    """What was taken back, and is there again."""
    lost_as_announced: list[Finding] = field(default_factory=list)
    """Lost, but the site had said that no replica had it: no broken promise."""
    unknown: list[Finding] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def decide(self) -> Findings:
        """Set `holds` by what was found."""
        broken = [
            f"{len(those)} {word}"
            for word, those in (
                ("lost", self.lost),
                ("duplicated", self.duplicated),
                ("altered", self.altered),
                ("returned", self.returned),
            )
            if those
        ]
        if broken:
            self.holds, self.because = False, ", ".join(broken)
        elif self.unknown:
            first = self.unknown[0]
            self.holds, self.because = None, f"{len(self.unknown)} could not be judged: {first.what}"
        elif self.replicated < LEAST_REPLICATED * (self.acknowledged + self.changes):
            self.holds = None
            of = self.acknowledged + self.changes
            self.because = f"too few were said to be replicated: {self.replicated} of {of}"
        else:
            self.holds = True
            self.because = f"{self.acknowledged} posts, each exactly once on {self.timelines} timelines"
            if self.changes:
                self.because += f", and {self.changes} changes"
        if self.lost_as_announced:
            self.because += f"; also lost: {len(self.lost_as_announced)} that were said not to be replicated"
        return self
