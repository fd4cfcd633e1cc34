"""A fault as JSON, as `chaos FAULT --json`, `chaos active --json` and the controller's API show it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from chaos.journal import Entry, Progress, read
from chaos.phase import Phase
from foundation.clock import stamp
from foundation.state import State


def show(entry: Entry) -> dict[str, Any]:
    """One fault; `applied`, `proved`, `ceased`, `reverted`, `gone` are true when they are on every part."""
    order, parts = entry.order, list(entry.progress.values())
    return {
        "id": order.id,
        "fault": order.fault,
        "target": order.selector,
        "from": order.from_selector,
        "callers": list(order.callers),
        "parameters": dict(order.parameters),
        "seconds": order.seconds,
        "seed": order.seed,
        "requested": stamp(order.at),
        "until": stamp(order.until),
        "applied": all(one.applied is not None for one in parts),
        "proved": _all(one.proved for one in parts),
        "ceased": all(one.ceased is not None for one in parts),
        "reverted": all(one.reverted is not None for one in parts),
        "gone": _all(one.gone for one in parts),
        "ended": entry.ended or None,
        "targets": [_show_part(name, one) for name, one in entry.progress.items()],
    }


def spell_from(fault: Mapping[str, Any]) -> str:
    """Behind the target of a shown fault: ` from frontend@east`; nothing when it is for everybody."""
    return f" from {fault['from']}" if fault["from"] is not None else ""


def is_settled(fault: Mapping[str, Any]) -> bool:
    """Whether nothing more happens to a shown fault by itself: it is gone, or given up as unknown."""
    return all(Phase(one["phase"]).is_settled for one in fault["targets"])


def is_judged(fault: Mapping[str, Any]) -> bool:
    """Whether it has been looked at if a shown fault bites, on each part, whatever came out."""
    return all(one["evidence"] or one["failed"] or one["gone"] is not None for one in fault["targets"])


def active(state: State) -> list[dict[str, Any]]:
    """The faults that are not over. Read from the journal, which is the truth also when nobody is alive."""
    return [show(entry) for entry in read(state.journal).entries.values() if not entry.over]


def history(state: State) -> list[dict[str, Any]]:
    """Every fault that the journal still knows, oldest first; those that are over, too."""
    return [show(entry) for entry in read(state.journal).entries.values()]


def _show_part(name: str, one: Progress) -> dict[str, Any]:
    return {
        "target": name,
        "phase": one.phase.value,
        "applied": _time(one.applied),
        "proved": one.proved,
        "evidence": one.evidence or None,
        "failed": one.failed or None,
        "ceased": _time(one.ceased),
        "reverted": _time(one.reverted),
        "by": one.by or None,
        "gone": one.gone,
        "why": one.why or None,
    }


def _time(moment: float | None) -> str | None:
    return None if moment is None else stamp(moment)


def _all(verdicts: Iterable[bool | None]) -> bool | None:
    """Three-valued `all`: one false makes it false, else one unknown makes it unknown."""
    known = list(verdicts)
    if False in known:
        return False
    return None if None in known else True
