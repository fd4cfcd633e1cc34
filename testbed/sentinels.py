"""What the sentinels know of the store: who is the primary, and whether its loss would be failed over now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from testbed.inventory import Part

LINK_DOWN_LIMIT = 8.0
"""Seconds. A replica that has not followed for longer is not promoted: ten times a primary's down-after."""
_NOT_THERE = ("s_down", "o_down", "disconnected")


@dataclass(frozen=True)
class ReplicaOpinion:
    """A replica as one sentinel sees it."""

    name: str  # of its part, or its address when it is none
    flags: frozenset[str]
    priority: int
    link_down: float  # seconds since it lost the primary; 0 while it follows

    @property
    def is_barred(self) -> bool:
        """Whether it is there, and may not be promoted."""
        return self.priority == 0 and not self.flags & set(_NOT_THERE)

    @property
    def hindrance(self) -> str:
        """Why it would not be promoted; empty when it would."""
        if self.flags & set(_NOT_THERE):
            return f"{self.name} does not answer it"
        if self.is_barred:
            return f"{self.name} is barred from promotion"
        if self.link_down > LINK_DOWN_LIMIT:
            return f"{self.name} has not followed for {self.link_down:.0f} s"
        return ""


@dataclass(frozen=True)
class Opinion:
    """What one sentinel says."""

    sentinel: str
    primary: Part | None
    epoch: int
    failing_over: bool
    misses_primary: bool
    """Whether it takes the primary for dead."""
    replicas: tuple[ReplicaOpinion, ...]


def agreed_primary(opinions: list[Opinion], sentinels: int) -> Part | None:
    """Whom the services are led to, whichever of the `sentinels` they ask; None while there is nobody.

    All that answer must name it, they must be the majority, and no failover may be under way.
    """
    if _disagreement(opinions, sentinels):
        return None
    return opinions[0].primary


def hindrance(opinions: list[Opinion], sentinels: int) -> str:
    """Why no replica would be promoted if the primary died now; empty when one would.

    One thing no sentinel tells: for 3 s after a failover that failed it begins no other.
    """
    if why := _disagreement(opinions, sentinels):
        return why
    for opinion in opinions:
        refused = [replica.hindrance for replica in opinion.replicas]
        if "" not in refused:
            return f"{opinion.sentinel}: {'; '.join(refused) or 'it knows no replica'}"
    return ""


def spell_failover(hindrance: str) -> str:
    """For a person, what a hindrance means, or that there is none."""
    return f"failover: not now, {hindrance}" if hindrance else "failover: a replica is ready to be promoted"


def _disagreement(opinions: list[Opinion], sentinels: int) -> str:
    if 2 * len(opinions) <= sentinels:
        return f"{len(opinions)} of {sentinels} sentinels answer"
    if any(opinion.failing_over for opinion in opinions):
        return "a failover is under way"
    named = {opinion.primary.name if opinion.primary else "nobody" for opinion in opinions}
    if len(named) > 1 or "nobody" in named:
        return f"the sentinels name {' and '.join(sorted(named))}"
    return ""


def replica_of(row: Mapping[str, str], name: str) -> ReplicaOpinion:
    """From one row of SENTINEL REPLICAS."""
    flags = frozenset(row["flags"].split(","))
    return ReplicaOpinion(name, flags, int(row["slave-priority"]), int(row["master-link-down-time"]) / 1000)
