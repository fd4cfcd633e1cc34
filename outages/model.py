"""What a run consists of, as people and scripts are told: outages, faults, loads, times without data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from foundation.clock import stamp
from foundation.verdict import Verdict

UNDER_WAY = 1.5
"""Seconds before a harm in which an attempt that is hurt by it may have begun."""
DECIDED_WITHIN = 14.0
"""Seconds after its beginning in which it is known of every attempt how it went: the longest limit of a
journey, what a precondition may take before that, and one more."""
BLIND = 0.5
"""The share of a time without data from which on nothing can be said of users."""


@dataclass
class Felt:
    """An outage as people and scripts are told. Times are Unix seconds; `end` is None while it goes on."""

    journey: str
    kind: str
    start: float
    end: float | None = None
    attempts: int = 0
    failed: int = 0
    error: str = ""
    unobserved: bool = False
    """Nobody saw its end: the prober was interrupted."""
    causes: list[InjectedFault] = field(default_factory=list)
    joined: list[InjectedFault] = field(default_factory=list)
    """Faults that came while it went on, and that hurt the same, though it had begun without any."""
    after_effect: bool = False
    """The causes were over when it began: this may be what they left behind."""
    detected: Verdict = None
    """Whether Prometheus raised an alert while it went on; None when nobody asked it."""
    detection_delay: float | None = None
    """Seconds from its start to the alert, which may have come when it was over."""

    @property
    def is_late(self) -> bool:
        """Whether the alert began when the outage was over."""
        delay, end = self.detection_delay, self.end
        return delay is not None and end is not None and self.start + delay > end

    @property
    def has_known_end(self) -> bool:
        """Whether it is over and somebody saw that; else it lasted at least as long as is told."""
        return self.end is not None and not self.unobserved

    def duration(self, now: float) -> float:
        """Seconds, so far if it goes on."""
        return (now if self.end is None else self.end) - self.start

    def row(self, now: float) -> dict[str, Any]:
        """The row of `failwhale outages --json`."""
        return {
            "journey": self.journey,
            "kind": self.kind,
            "start": stamp(self.start),
            "end": None if self.end is None else stamp(self.end),
            "duration": round(self.duration(now), 6),
            "attempts": self.attempts,
            "failed": self.failed,
            "error": self.error,
            "causes": sorted({fault.id for fault in self.causes}),
            "also_in_force": sorted({fault.id for fault in self.joined}),
            "after_effect": self.after_effect,
            "detected": self.detected,
            "detection_delay": None if self.is_late else self.detection_delay,
            "alerted_late": self.is_late,
            "unobserved": self.unobserved,
        }


@dataclass
class InjectedFault:
    """A fault on one part. `reverted` is None while it is in force, or when nobody could confirm its end."""

    id: str
    name: str
    target: str
    parameters: dict[str, Any]
    requested: float
    applied: float | None = None
    reverted: float | None = None
    """Since when it was seen to be undone."""
    ceased: float | None = None
    """Since when it hurt nobody, although nobody had ended it: the part was killed, somebody mended it."""
    verified: Verdict = None
    """Whether its effect was seen."""
    unknown: bool = False
    until: float | None = None
    hurts: tuple[str, ...] | None = None
    """Journeys that it may hurt; None when it did not say."""
    selector: str = ""
    """What a person aimed at, for example `post:all`; empty when that is not known."""
    from_selector: str = ""
    """Whose calls into it are hurt, as a person said it: `frontend@east`; empty: everybody's."""
    asked: str | None = None
    """The parameters beyond the defaults, in words with units; None when that is not known."""

    @property
    def end(self) -> float | None:
        """Since when it is in force no more."""
        return self.reverted if self.ceased is None else self.ceased

    @property
    def is_active(self) -> bool:
        return self.applied is not None and self.end is None and not self.unknown


@dataclass
class LoadRun:
    """A time of load."""

    id: str
    shape: str
    people: int
    rate: float
    start: float
    end: float | None = None
    counts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Unmeasured:
    """A time in which one journey could not be tried, and why; `end` is None while it goes on."""

    journey: str
    start: float
    end: float | None
    why: str


@dataclass
class Reconfigured:
    """A change of the live configuration. `at` is in Unix seconds."""

    at: float
    version: int
    by: str
    what: str
    """Which keys were changed to what, in words."""
    reason: str


@dataclass
class Operated:
    """An operation of an engineer. `at` is when it was done, or refused, in Unix seconds."""

    at: float
    operation: str
    target: str
    by: str
    reason: str
    said: str
    """What was done, or why it was refused."""
    is_done: bool


@dataclass
class Played:
    """A run of an incident. `at` is when it was over, in Unix seconds."""

    at: float
    incident: str
    title: str
    manner: str
    """play, mitigate, no-op or wrong-fix."""
    verdict: str
    is_good: bool
    """It came out as it has to: an incident as expected, a control not."""
    seconds: float
    hurt: Sequence[str]
    """Journeys."""
    why: str
    """What was not as expected, or why it was not played."""
    rule_sets: Mapping[str, Mapping[str, Any]]
    """What each set of alerting rules made of it, as the ledger has it."""


@dataclass(frozen=True)
class Page:
    """An alert that somebody was paged for. `at` is when that came, in Unix seconds."""

    alert: str
    journey: str
    """That it is about; empty: about none."""
    at: float
    labels: Mapping[str, str] = field(default_factory=dict)
    acknowledged: float | None = None
    """When somebody said to be at work on it, in Unix seconds; None: nobody did."""
    acknowledged_by: str = ""


@dataclass(frozen=True)
class Gap:
    """A time without data, and why; where the wall clock was set it has no length."""

    start: float
    end: float
    why: str
