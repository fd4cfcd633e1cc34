"""What the ledger says about one run of the site: outages, faults, loads, times without data.

A run begins when the prober starts on a site that starts, and ends when it is stopped in good order. A
prober that was killed and started again goes on with the same run.

Everything is told by the wall clock as it is set in the latest record: what was written before a step of the
clock is moved by that step, so that spans and the order of things are what they were.
"""

from __future__ import annotations

import json
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from foundation.clock import Setting, parse
from foundation.failure import BASELINE_NOT_MET, Failure
from foundation.ledger import Ledger, Record
from foundation.records import fits, step_as_named_now
from foundation.state import State
from outages.causes import name_causes
from outages.interrupted import ITS_OWN
from outages.journey_names import NAMES
from outages.model import Felt, Gap, InjectedFault, LoadRun, Operated, Page, Played, Reconfigured, Unmeasured

RELEASE = "release "
"""How the name begins of what is not a fault but a release that was rolled out."""

NEW_CONFIGURATION = 3.0
"""Seconds after a change of the configuration is in force in which it is the cause of what begins."""


LONGEST_SILENCE = 15.0
"""Seconds without a record after which a prober is taken to look no more: it has one to write every ten."""


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
        self.last_sign: float | None = None
        """When the latest record of a living prober was written."""
        self.outages: list[Felt] = []
        self.faults: list[InjectedFault] = []
        self.pages: list[Page] = []
        self.loads: list[LoadRun] = []
        self.reconfigured: list[Reconfigured] = []
        self.operations: list[Operated] = []
        self.incidents: list[Played] = []
        self.gaps: list[Gap] = []
        self.unmeasured: list[Unmeasured] = []
        self.attempts: dict[str, Counter[str]] = {}
        """By journey: how many were good, slow, bad, untested, left-out."""
        self._reconfiguring: float | None = None
        """When the latest change of the configuration was begun."""
        self._restarting: InjectedFault | None = None
        """The part that is being restarted with a good release."""
        self.seen_bad: deque[tuple[str, str, float]] = deque(maxlen=5000)
        """(journey, "down" or "slow", intended start) of the latest attempts that were not good."""

    def take(self, record: Record) -> None:
        """Add one record. A record of a kind or form that is not known is passed over."""
        record = _as_named_now(record)
        if not fits(record):
            return
        at = parse(record["at"])
        if moved := self.setting.step(record):
            self._tell_anew(moved)
        self._begin_anew_if_restarted(record, at)
        self.last = at
        if record["kind"].startswith(ITS_OWN):
            self.last_sign = at
        handle = self._HANDLERS.get(record["kind"])
        if handle is not None:
            handle(self, record, at)

    def now(self) -> float:
        """The end of the run; the present while it goes on."""
        return self.ended if self.ended is not None else time.time()

    def seconds_without_data(self, since: float, until: float) -> float:
        """Seconds between two moments (Unix seconds) in which nobody looked how users fared."""
        if self.began is None:
            return until - since
        spans = [(gap.start, gap.end) for gap in self.gaps] + [(since, self.began)]
        if self.ended is not None:
            spans.append((self.ended, until))
        elif self.last_sign is not None and until - self.last_sign > LONGEST_SILENCE:
            spans.append((self.last_sign, until))
        return sum(max(0.0, min(end, until) - max(start, since)) for start, end in spans)

    def join_causes(self) -> None:
        """Name the causes of each outage."""
        name_causes(self.outages, self.faults, self.now())

    def _tell_anew(self, moved: float) -> None:
        """The wall clock was set: tell what is known by the clock as it is now."""
        for owner, names in [
            (self, ("began", "ended", "last", "last_sign")),
            *((change, ("at",)) for change in (*self.reconfigured, *self.operations, *self.incidents)),
            *((span, ("start", "end")) for span in (*self.outages, *self.loads)),
            *((fault, ("requested", "applied", "reverted", "ceased", "until")) for fault in self.faults),
        ]:
            for name in names:
                if (moment := getattr(owner, name)) is not None:
                    setattr(owner, name, moment + moved)
        self.gaps = [replace(gap, start=gap.start + moved, end=gap.end + moved) for gap in self.gaps]
        self.unmeasured = [
            replace(row, start=row.start + moved, end=None if row.end is None else row.end + moved)
            for row in self.unmeasured
        ]
        self.pages = [
            replace(
                page,
                at=page.at + moved,
                acknowledged=None if page.acknowledged is None else page.acknowledged + moved,
            )
            for page in self.pages
        ]
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
        self._nobody_looks(at)
        self._tally(record, at)

    def _prober_gap(self, record: Record, at: float) -> None:
        gap = Gap(parse(record["start"]), parse(record["end"]), "the prober was down")
        self.gaps.append(gap)
        self._nobody_looks(gap.start)

    def _nobody_looks(self, since: float) -> None:
        """Who comes next begins anew to find what cannot be measured."""
        self.unmeasured = [
            replace(row, end=max(row.start, since)) if row.end is None else row for row in self.unmeasured
        ]

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

    def _no_data(self, record: Record, at: float) -> None:
        end = parse(record["end"]) if record.get("end") else None
        row = Unmeasured(record["journey"], parse(record["start"]), end, record["why"])
        open_one = (row.journey, None)
        self.unmeasured = [*(one for one in self.unmeasured if (one.journey, one.end) != open_one), row]

    def _page_opened(self, record: Record, at: float) -> None:
        labels = record.get("labels") or {}
        self.pages.append(Page(record["alert"], record.get("journey") or "", at, labels))

    def _page_acknowledged(self, record: Record, at: float) -> None:
        for place, page in reversed(list(enumerate(self.pages))):
            if page.labels == record["labels"]:
                by = record.get("by") or ""
                self.pages[place] = replace(page, acknowledged=at, acknowledged_by=by)
                return

    # --- faults ---

    def _fault(self, record: Record, at: float) -> InjectedFault:
        for fault in self.faults:
            if (fault.id, fault.target) == (record["fault"], record["target"]):
                return fault
        fault = InjectedFault(
            record["fault"], record["name"], record["target"], record.get("parameters") or {}, at
        )
        self.faults.append(fault)
        return fault

    def _fault_requested(self, record: Record, at: float) -> None:
        fault = self._fault(record, at)
        fault.until = parse(record["until"]) if record.get("until") else None
        fault.hurts = tuple(record["hurts"]) if record.get("hurts") is not None else None
        fault.selector = str(record.get("selector", ""))
        fault.from_selector = record.get("from_selector") or ""
        fault.asked = record.get("asked")

    def _fault_applied(self, record: Record, at: float) -> None:
        fault = self._fault(record, at)
        fault.applied = fault.applied or at
        fault.until = parse(record["until"]) if record.get("until") else None

    def _fault_verified(self, record: Record, at: float) -> None:
        self._fault(record, at).verified = record.get("verified", True)

    def _fault_ceased(self, record: Record, at: float) -> None:
        fault = self._fault(record, at)
        fault.ceased = fault.ceased or at

    def _fault_reverted(self, record: Record, at: float) -> None:
        fault = self._fault(record, at)
        fault.reverted, fault.unknown = at, False

    def _fault_unknown(self, record: Record, at: float) -> None:
        self._fault(record, at).unknown = True

    # --- releases ---

    def _release_started(self, record: Record, at: float) -> None:
        self._roll_out_moves_on(at)

    def _release_changed(self, record: Record, at: float) -> None:
        """A bad release is like a fault, from the restart with it until another one takes its place. A good
        one may hurt by the restart alone, and what begins meanwhile is put down to it."""
        self._roll_out_moves_on(at)
        part = record["part"]
        for fault in self.faults:
            if fault.name.startswith(RELEASE) and fault.target == part and fault.reverted is None:
                fault.reverted = at
        change = InjectedFault(record["roll_out"], RELEASE + record["release"], part, {}, at, at)
        change.hurts = tuple(record["hurts"]) or None
        self.faults.append(change)
        if record["good"]:
            self._restarting = change

    def _release_finished(self, record: Record, at: float) -> None:
        self._roll_out_moves_on(at)

    def _roll_out_moves_on(self, at: float) -> None:
        if self._restarting is not None and self._restarting.reverted is None:
            self._restarting.reverted = at

    # --- load ---

    def _load_started(self, record: Record, at: float) -> None:
        self.loads.append(
            LoadRun(
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

    # --- the configuration ---

    def _configuration_begun(self, record: Record, at: float) -> None:
        self._reconfiguring = at

    def _configuration_changed(self, record: Record, at: float) -> None:
        """What begins while it comes into force, and shortly after, is put down to it."""
        keys = ", ".join(record["changes"])
        change = InjectedFault(
            f"configuration-{record['version']}",
            f"configuration {record['version']}",
            keys,
            {},
            at if self._reconfiguring is None else self._reconfiguring,
        )
        change.applied, change.reverted = change.requested, at + NEW_CONFIGURATION
        self._reconfiguring = None
        self.faults.append(change)
        what = ", ".join(f"{key} {json.dumps(one.get('to'))}" for key, one in record["changes"].items())
        if record.get("restores") is not None:
            what = f"version {record['restores']} again: {what}"
        self.reconfigured.append(
            Reconfigured(at, record["version"], record["by"], what, record.get("reason") or "")
        )

    # --- operations ---

    def _operation(self, record: Record, at: float) -> None:
        is_done = record["kind"] == "operation.done"
        self.operations.append(
            Operated(
                at,
                record["operation"],
                record["target"],
                record["asked_by"],
                record.get("reason") or "",
                record["said"] if is_done else record["why"],
                is_done,
            )
        )

    # --- incidents ---

    def _incident_finished(self, record: Record, at: float) -> None:
        self.incidents.append(
            Played(
                at,
                record["incident"],
                record.get("title") or "",
                record["manner"],
                record["verdict"],
                record["good"],
                record.get("seconds") or 0.0,
                tuple(record.get("hurt") or ()),
                record.get("why") or "",
                record.get("rule_sets") or {},
            )
        )

    _HANDLERS: ClassVar[Mapping[str, Callable[[History, Record, float], None]]] = {
        "prober.stopped": _prober_stopped,
        "prober.gap": _prober_gap,
        "prober.stalled": _prober_stalled,
        "clock.moved": _clock_moved,
        "tally": _tally,
        "attempt.failed": _attempt_failed,
        "attempt.slow": _attempt_slow,
        "outage.opened": _outage_opened,
        "outage.closed": _outage_closed,
        "page.opened": _page_opened,
        "page.acknowledged": _page_acknowledged,
        "no-data.opened": _no_data,
        "no-data.closed": _no_data,
        "configuration.begun": _configuration_begun,
        "configuration.changed": _configuration_changed,
        "operation.done": _operation,
        "operation.refused": _operation,
        "incident.finished": _incident_finished,
        "fault.requested": _fault_requested,
        "fault.applied": _fault_applied,
        "fault.verified": _fault_verified,
        "fault.ceased": _fault_ceased,
        "fault.reverted": _fault_reverted,
        "fault.unknown": _fault_unknown,
        "release.started": _release_started,
        "release.changed": _release_changed,
        "release.finished": _release_finished,
        "load.started": _load_started,
        "load.finished": _load_finished,
    }


def _as_named_now(record: Record) -> Record:
    family, _, step = record["kind"].partition(".")
    if family != "fault":
        return record
    step, named = step_as_named_now(step, record)
    return {**named, "kind": f"fault.{step}"}


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


def history_of(site: State) -> History:
    """The latest run of a site. Raises Failure when there never was one."""
    if not site.ledger.exists():
        start = f"start a site: failwhale up{site.option}"
        raise Failure(f"nothing is recorded in {site.path}", start, BASELINE_NOT_MET)
    return read(site.ledger)


def order_of(journey: str) -> int:
    """Where a journey stands in lists."""
    return NAMES.index(journey) if journey in NAMES else len(NAMES)
