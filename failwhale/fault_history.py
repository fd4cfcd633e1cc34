"""`failwhale chaos history`: what was done, by whom, why, and what users felt of it.

It stands here and not with the other commands of chaos, since these know nothing of outages.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import TypedDict

from chaos.catalogue import fault_named
from chaos.fault_rows import FaultRow, TargetRow, history, spell_from, spell_who_ended
from foundation.console import (
    DEFAULT_STATE,
    JsonOption,
    StateOption,
    print_json,
    spell_duration,
    stdout,
)
from foundation.state import State
from foundation.verdict import spell
from testbed.sitefile import SiteFile


class FeltRow(TypedDict):
    """How long users felt a fault in one journey."""

    journey: str
    kind: str
    seconds: float


def show_history(state: StateOption = DEFAULT_STATE, json: JsonOption = False) -> None:
    """Show the last faults, those that are over and those of earlier runs, too: who did what, and why, how it
    ended, what users felt. Times are in UTC.

    Example: failwhale chaos history
    """
    site = State(state)
    SiteFile.read(site)  # raises Failure, with the next step, when there is none
    faults = history(site)
    felt = felt_by_fault(site)
    if json:
        print_json([{**fault, "felt": felt.get(fault["id"])} for fault in faults])
        return
    if not faults:
        stdout().print("no fault was ever in force")
        return
    for fault in faults:
        for line in _lines(fault, felt.get(fault["id"])):
            stdout().print(line, markup=False)


def felt_by_fault(state: State) -> dict[str, list[FeltRow]]:
    """By the id of each fault of this run what users felt of it, alone or with others, the worst first;
    nothing in it for a fault of which nobody noticed. A fault of an earlier run is not there."""
    from outages.history import read
    from outages.stories import hurt_by

    run = read(state.ledger)
    now = run.now()
    return {
        fault: [
            {"journey": hurt.journey, "kind": hurt.kind, "seconds": round(hurt.seconds(now), 6)}
            for hurt in hurt_by(run.outages, fault, now)
        ]
        for fault in {fault.id for fault in run.faults}
    }


# --- for people ---


def _lines(fault: FaultRow, felt: list[FeltRow] | None) -> Iterator[str]:
    requested = fault["times"]["requested"]
    moment = f"{requested[: len('2026-01-01')]} {_clock(requested)}"
    how = fault_named(fault["fault"]).spell(fault["parameters"])
    what = f"{fault['fault']} {fault['target']}{spell_from(fault)} for {spell_duration(fault['seconds'])}"
    yield f"{moment}  {fault['id']}: {what}{f' ({how})' if how else ''}"
    details = [_spell_asker(fault), *_spell_ends(fault["targets"]), _spell_felt(felt)]
    margin = " " * (len(moment) + 2)
    for detail in filter(None, details):
        width = max(stdout().width, 40)
        yield textwrap.fill(
            detail, width, initial_indent=margin, subsequent_indent=f"{margin}  ", break_on_hyphens=False
        )


def _spell_asker(fault: FaultRow) -> str:
    by = f"by {fault['asked_by']}" if fault["asked_by"] else ""
    return ": ".join(filter(None, (by, fault["reason"])))


def _spell_ends(targets: Iterable[TargetRow]) -> Iterator[str]:
    """What became of it, with the targets of which the same is to be said together."""
    same: dict[str, list[str]] = {}
    for one in targets:
        same.setdefault(f"{spell(one['verified'], *VERIFIED)}, {_spell_end(one)}", []).append(one["target"])
    for end, names in same.items():
        yield f"{', '.join(names)}: {end}"


VERIFIED = ("verified", "no effect observed", "not verified")


def _spell_end(one: TargetRow) -> str:
    times = one["times"]
    if times["unknown"]:
        return f"unknown whether it is undone: {one['end_evidence']}"
    if times["ceased"]:
        return " ".join(filter(None, ("ceased", spell_who_ended(one), "at", _clock(times["ceased"]))))
    if times["reverting"]:
        undone = f", undone at {_clock(times['reverted'])}" if times["reverted"] else ", not undone yet"
        return f"ended by {one['ended_by']} at {_clock(times['reverting'])}{undone}"
    return "not over yet"


def _spell_felt(felt: list[FeltRow] | None) -> str:
    if felt is None:
        return ""
    hurt = (f"{row['journey']} {row['kind']} for {spell_duration(row['seconds'])}" for row in felt)
    return f"users: {', '.join(hurt) or 'nobody noticed'}"


def _clock(time: str) -> str:
    """The hours, minutes and seconds of a time as it stands in JSON."""
    return time[len("2026-01-01T") :][: len("00:00:00")]
