"""An injection as JSON, as `chaos FAULT --json`, `chaos active --json` and the controller's API show it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NotRequired, TypedDict, cast

from chaos.fault import Value
from chaos.journal import Entry, Order, PartProgress, read
from chaos.phase import Phase
from foundation.clock import stamp
from foundation.state import State
from foundation.verdict import Verdict, all_of

_TIME_OF: Mapping[Phase, Callable[[Order, PartProgress], float | None]] = {
    Phase.REQUESTED: lambda order, one: order.at,
    Phase.APPLIED: lambda order, one: one.applied,
    Phase.VERIFIED: lambda order, one: one.verified_at,
    Phase.CEASED: lambda order, one: one.ceased,
    Phase.REVERTING: lambda order, one: one.reverting,
    Phase.REVERTED: lambda order, one: one.reverted,
    Phase.UNKNOWN: lambda order, one: one.unknown,
}


class Times(TypedDict):
    """When it came to each phase; None: it has not, or another target has not."""

    requested: str
    applied: str | None
    verified: str | None
    ceased: str | None
    reverting: str | None
    reverted: str | None
    unknown: str | None


class TargetRow(TypedDict):
    """An injection on one target."""

    target: str
    phase: str
    verified: Verdict
    evidence: str | None
    failed: str | None
    ended_by: str | None
    end_evidence: str | None
    times: Times


FaultRow = TypedDict(
    "FaultRow",
    {
        "id": str,
        "fault": str,
        "target": str,
        "from": str | None,
        "callers": list[str],
        "parameters": Mapping[str, Value],
        "seconds": float,
        "seed": int,
        "reason": str | None,
        "asked_by": str | None,
        "stop_when": str | None,
        "until": str,
        "phase": str,
        "verified": Verdict,
        "evidence": str | None,
        "ended_by": str | None,
        "times": Times,
        "targets": list[TargetRow],
        "not_well": NotRequired[list[str] | None],
    },
)
"""An injection. `not_well` is what is not well although it is over, a few words each; None: nobody waited for
its end."""


def show(entry: Entry) -> FaultRow:
    """An injection of the journal as a row."""
    order, parts = entry.order, list(entry.progress.values())
    ends = {one.ended_by for one in parts}
    return {
        "id": order.id,
        "fault": order.fault,
        "target": order.selector,
        "from": order.from_selector,
        "callers": list(order.callers),
        "parameters": dict(order.parameters),
        "seconds": order.seconds,
        "seed": order.seed,
        "reason": order.reason or None,
        "asked_by": order.asked_by or None,
        "stop_when": order.stop_when or None,
        "until": stamp(order.until),
        "phase": _phase_of_all(one.phase for one in parts),
        "verified": all_of(one.verified for one in parts),
        "evidence": "; ".join(one.evidence for one in parts if one.evidence) or None,
        "ended_by": entry.ended_by or (None if "" in ends else ", ".join(sorted(ends))),
        "times": _times(order, parts),
        "targets": [_show_target(name, order, one) for name, one in entry.progress.items()],
    }


def spell_from(fault: FaultRow) -> str:
    """Behind the target of a shown injection: ` from frontend@east`; nothing when it is for everybody."""
    return f" from {fault['from']}" if fault["from"] is not None else ""


def spell_who_ended(one: TargetRow) -> str:
    """Of what has ceased on a target: by itself, or by an operator. Empty while that is not known."""
    by = one["ended_by"]
    return "by itself" if by == "itself" else f"by an {by}" if by else ""


def is_over(row: FaultRow | TargetRow) -> bool:
    """Whether every target was seen to be free of a shown injection."""
    return Phase(row["phase"]).is_over


def is_settled(fault: FaultRow) -> bool:
    """Whether nothing more happens to a shown injection by itself: it is over, or given up as unknown."""
    return all(Phase(one["phase"]).is_settled for one in fault["targets"])


def is_judged(fault: FaultRow) -> bool:
    """Whether it has been looked at if a shown injection bites, on each target, whatever came out."""
    return all(one["evidence"] or one["failed"] or Phase(one["phase"]).is_settled for one in fault["targets"])


def active(state: State) -> list[FaultRow]:
    """Those that are not over. Read from the journal, which is the truth also when nobody is alive."""
    return [show(entry) for entry in read(state.journal).entries.values() if not entry.over]


def history(state: State) -> list[FaultRow]:
    """All that the journal still knows, oldest first; those that are over, too."""
    return [show(entry) for entry in read(state.journal).entries.values()]


def _show_target(name: str, order: Order, one: PartProgress) -> TargetRow:
    return {
        "target": name,
        "phase": one.phase.value,
        "verified": one.verified,
        "evidence": one.evidence or None,
        "failed": one.failed or None,
        "ended_by": one.ended_by or None,
        "end_evidence": one.end_evidence or None,
        "times": _times(order, [one]),
    }


def _times(order: Order, parts: Sequence[PartProgress]) -> Times:
    """By phase, when the last of these came to it; None when one did not."""
    times: dict[str, str | None] = {}
    for phase, time_of in _TIME_OF.items():
        moments = [time_of(order, one) for one in parts]
        came = [moment for moment in moments if moment is not None]
        times[phase.value] = stamp(max(came)) if len(came) == len(moments) else None
    return cast(Times, times)


def _phase_of_all(phases: Iterable[Phase]) -> str:
    """Unknown where one is; else how far the last of them is."""
    order = list(Phase)
    return max(phases, key=lambda phase: (phase is Phase.UNKNOWN, -order.index(phase))).value
