"""What the checker found, and what follows from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from foundation.verdict import Verdict

LEAST_REPLICATED = 0.1
"""Of what was acknowledged, the share that a replica must have had. Where it was less, hardly anything was
promised to survive, and that nothing of it was lost says nothing about the site."""


BROKEN = {
    "lost": "lost",
    "duplicated": "duplicated",
    "altered": "altered",
    "returned": "returned",
    "phantom": "phantom",
    "out_of_order": "out of order",
    "exposed": "exposed",
    "stale": "stale",
}
"""The kinds of findings that break a promise, in the order in which they are told, and their words."""

KINDS = (*BROKEN, "lost_as_announced", "stale_as_announced", "unknown")
"""All kinds of findings."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A post that is not as it should be; `where` is the site as a whole, a timeline, somebody's
    notifications or how it was looked at. Or a change that was not kept: then `post` is what it is about, and
    `where` its kind."""

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
    notifications: int = 0
    """How many notifications were looked for."""
    lost: list[Finding] = field(default_factory=list)
    duplicated: list[Finding] = field(default_factory=list)
    altered: list[Finding] = field(default_factory=list)
    returned: list[Finding] = field(default_factory=list)
    """What was taken back, and is there again."""
    phantom: list[Finding] = field(default_factory=list)
    """What was refused, or what nobody wrote, and is there."""
    out_of_order: list[Finding] = field(default_factory=list)
    exposed: list[Finding] = field(default_factory=list)
    """Seen by those who must not."""
    stale: list[Finding] = field(default_factory=list)
    """What a session did not see although it had written it, or seen it before."""
    lost_as_announced: list[Finding] = field(default_factory=list)
    """Lost, but the site had said that no replica had it: no broken promise."""
    stale_as_announced: list[Finding] = field(default_factory=list)
    """The same of what a session did not see."""
    unknown: list[Finding] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def decide(self) -> Findings:
        """Set `holds` by what was found."""
        found = {word: getattr(self, kind) for kind, word in BROKEN.items()}
        broken = [f"{len(those)} {word}" for word, those in found.items() if those]
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
            if self.notifications:
                self.because += f", {self.notifications} notifications"
            if self.changes:
                self.because += f", and {self.changes} changes"
        for those, word in ((self.lost_as_announced, "lost"), (self.stale_as_announced, "not seen")):
            if those:
                self.because += f"; also {word}: {len(those)} that were said not to be replicated"
        return self
