"""What the ledger says about one run of the site: outages, faults, loads, times without data.

A run begins when the prober starts on a site that starts, and ends when it is stopped in good order. A
prober that was killed and started again goes on with the same run.

Everything is told by the wall clock as it is set in the latest record: what was written before a step of the
clock is moved by that step, so that spans and the order of things are what they were.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from foundation.clock import Setting, parse, stamp
from foundation.ledger import Ledger, Record
from outages.causes import name_causes
from outages.names import NAMES


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
    causes: list[Fault] = field(default_factory=list)
    after_effect: bool = False
    """The causes were over when it began: this may be what they left behind."""
    detected: bool | None = None
    """Whether Prometheus raised an alert while it went on; None when nobody asked it."""
    detection_delay: float | None = None
    """Seconds from its start to the alert, which may have come when it was over."""

    @property
    def is_late(self) -> bool:
        """Whether the alert began when the outage was over."""
        delay, end = self.detection_delay, self.end
        return delay is not None and end is not None and self.start + delay > end

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
            "after_effect": self.after_effect,
            "detected": self.detected,
            "detection_delay": None if self.is_late else self.detection_delay,
            "alerted_late": self.is_late,
            "unobserved": self.unobserved,
        }


@dataclass
class Fault:
    """A fault on one target. `gone` is None while it is in force, or when nobody could confirm its end."""

    id: str
    name: str
    target: str
    parameters: dict[str, Any]
    requested: float
    applied: float | None = None
    gone: float | None = None
    ceased: float | None = None
    """Since when it hurt nobody, although nobody had ended it: the part was killed, somebody mended it."""
    proved: bool | None = None
    unknown: bool = False
    until: float | None = None
    hurts: tuple[str, ...] | None = None
    """Journeys that it may hurt; None when it did not say."""
    selector: str = ""
    """What a person aimed at, for example `post:all`; empty when that is not known."""
    asked: str | None = None
    """The parameters beyond the defaults, in words with units; None when that is not known."""

    @property
    def end(self) -> float | None:
        """Since when it is in force no more."""
        return self.gone if self.ceased is None else self.ceased

    @property
    def is_active(self) -> bool:
        return self.applied is not None and self.end is None and not self.unknown


@dataclass
class Load:
    """A spell of users."""

    id: str
    shape: str
    people: int
    rate: float
    start: float
    end: float | None = None
    counts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Gap:
    """A time without data, as nobody looked, and why; where the wall clock was set it has no length."""

    start: float
    end: float
    why: str


class History:
    """Takes the records of a ledger one by one, and knows the latest run that they tell of."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self.setting = Setting()
        self.began: float | None = None
        self.ended: float | None = None
        self.last: float | None = None
        """When the latest record was written."""
        self.outages: list[Felt] = []
        self.faults: list[Fault] = []
        self.loads: list[Load] = []
        self.gaps: list[Gap] = []
        self.attempts: dict[str, Counter[str]] = {}
        """By journey: how many were good, slow, bad, untested, left-out."""
        self.seen_bad: deque[tuple[str, str, float]] = deque(maxlen=5000)
        """(journey, "down" or "slow", intended start) of the latest attempts that were not good."""

    def take(self, record: Record) -> None:
        """Add one record. A record of a kind or form that is not known is passed over."""
        try:
            at = parse(record["at"])
            if moved := self.setting.step(record):
                self._tell_anew(moved)
            self._begin_anew_if_restarted(record, at)
            self.last = at
            handle = getattr(self, "_" + record["kind"].replace(".", "_").replace("-", "_"), None)
            if handle is not None:
                handle(record, at)
        except (KeyError, TypeError, ValueError, AttributeError):
            return

    def now(self) -> float:
        """The end of the run; the present while it goes on."""
        return self.ended if self.ended is not None else time.time()

    def join_causes(self) -> None:
        """Name the causes of each outage."""
        name_causes(self.outages, self.faults, self.now())

    def _tell_anew(self, moved: float) -> None:
        """The wall clock was set: tell what is known by the clock as it is now."""
        for owner, names in [
            (self, ("began", "ended", "last")),
            *((spell, ("start", "end")) for spell in (*self.outages, *self.loads)),
            *((fault, ("requested", "applied", "gone", "ceased", "until")) for fault in self.faults),
        ]:
            for name in names:
                if (moment := getattr(owner, name)) is not None:
                    setattr(owner, name, moment + moved)
        self.gaps = [replace(gap, start=gap.start + moved, end=gap.end + moved) for gap in self.gaps]
        seen = ((journey, kind, start + moved) for journey, kind, start in self.seen_bad)
        self.seen_bad = deque(seen, maxlen=self.seen_bad.maxlen)

    # --- the run ---

    def _begin_anew_if_restarted(self, record: Record, at: float) -> None:
        if record["kind"] == "prober.started" and self.ended is not None:
            self._forget()
        if self.began is None and record["kind"] == "prober.started":
            self.began = at

    def _prober_stopped(self, record: Record, at: float) -> None:
        self.ended = at
        self._tally(record, at)

    def _prober_gap(self, record: Record, at: float) -> None:
        self.gaps.append(Gap(parse(record["start"]), parse(record["end"]), "the prober was down"))

    def _prober_stalled(self, record: Record, at: float) -> None:
        start, end = parse(record["start"]), parse(record["end"])
        slept = record.get("asleep", 0.0) > (end - start) / 2
        self.gaps.append(Gap(start, end, "the machine slept" if slept else "the prober stood still"))

    def _clock_moved(self, record: Record, at: float) -> None:
        self.gaps.append(Gap(at, at, f"the wall clock was set by {record['seconds']:+.1f} s"))

    def _tally(self, record: Record, at: float) -> None:
        for journey, counts in record["journeys"].items():
            self.attempts.setdefault(journey, Counter()).update(counts)

    # --- attempts and outages ---

    def _attempt_failed(self, record: Record, at: float) -> None:
        start = parse(record["start"])
        self.seen_bad.append((record["journey"], "down", start))
        for outage in self.outages:
            same = (outage.journey, outage.kind, outage.end) == (record["journey"], "down", None)
            if same and start > outage.start:
                outage.attempts += 1
                outage.failed += 1

    def _attempt_slow(self, record: Record, at: float) -> None:
        self.seen_bad.append((record["journey"], "slow", parse(record["start"])))

    def _outage_opened(self, record: Record, at: float) -> None:
        self.outages.append(_felt(record))

    def _outage_closed(self, record: Record, at: float) -> None:
        closed = _felt(record)
        same = (closed.journey, closed.kind, None)
        self.outages = [row for row in self.outages if (row.journey, row.kind, row.end) != same]
        if not record.get("stopping"):
            self.outages.append(closed)
        self.outages.sort(key=lambda row: row.start)

    # --- faults ---

    def _fault(self, record: Record, at: float) -> Fault:
        for fault in self.faults:
            if (fault.id, fault.target) == (record["fault"], record["target"]):
                return fault
        fault = Fault(record["fault"], record["name"], record["target"], record.get("parameters") or {}, at)
        self.faults.append(fault)
        return fault

    def _fault_requested(self, record: Record, at: float) -> None:
        fault = self._fault(record, at)
        fault.until = parse(record["until"]) if record.get("until") else None
        fault.hurts = tuple(record["hurts"]) if record.get("hurts") is not None else None
        fault.selector = str(record.get("selector", ""))
        fault.asked = record.get("asked")

    def _fault_applied(self, record: Record, at: float) -> None:
        fault = self._fault(record, at)
        fault.applied = fault.applied or at
        fault.until = parse(record["until"]) if record.get("until") else None

    def _fault_proved(self, record: Record, at: float) -> None:
        self._fault(record, at).proved = record.get("proved", True)

    def _fault_ceased(self, record: Record, at: float) -> None:
        fault = self._fault(record, at)
        fault.ceased = fault.ceased or at

    def _fault_gone(self, record: Record, at: float) -> None:
        fault = self._fault(record, at)
        fault.gone, fault.unknown = at, False

    def _fault_unknown(self, record: Record, at: float) -> None:
        self._fault(record, at).unknown = True

    # --- load ---

    def _load_started(self, record: Record, at: float) -> None:
        self.loads.append(
            Load(
                str(record.get("load", "")),
                str(record.get("shape", "load")),
                int(record.get("people") or 0),
                float(record.get("rate") or 0.0),
                at,
            )
        )

    def _load_finished(self, record: Record, at: float) -> None:
        for load in self.loads:
            if load.end is None and load.id == str(record.get("load", "")):
                load.end = at
                load.counts = {key: record[key] for key in ("sent", "completed", "good") if key in record}


def _felt(record: Record) -> Felt:
    return Felt(
        journey=record["journey"],
        kind=record["type"],
        start=parse(record["start"]),
        end=parse(record["end"]) if record.get("end") else None,
        attempts=record["attempts"],
        failed=record["failed"],
        error=record["error"],
        unobserved=bool(record.get("unobserved")),
    )


def read(ledger: Path | Iterable[Record]) -> History:
    """The latest run that a ledger tells of, with causes."""
    history = History()
    for record in Ledger(ledger).read() if isinstance(ledger, Path) else ledger:
        history.take(record)
    history.join_causes()
    return history


def order_of(journey: str) -> int:
    """Where a journey stands in lists."""
    return NAMES.index(journey) if journey in NAMES else len(NAMES)
