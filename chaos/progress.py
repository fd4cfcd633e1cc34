"""Telling a person how a fault goes: a line for each step, and on a terminal a countdown below them."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Iterator

import foundation.progress
from chaos.catalogue import fault_named
from chaos.fault_rows import FaultRow, is_over, spell_from
from chaos.heal import Healing
from chaos.listener import Listener
from chaos.phase import Phase
from foundation.clock import parse
from foundation.console import spell_duration
from foundation.verdict import spell

NAMED = 3
"""Parts that are told by their names; more are told by how many they are."""


class FaultProgress(foundation.progress.Progress, Listener):
    """Says each step of a fault once, on stderr, and counts down to its end where a line can move."""

    def __init__(self, *, quiet: bool) -> None:
        super().__init__(quiet)
        self._said: set[str] = set()
        self._fault: FaultRow | None = None

    def __enter__(self) -> FaultProgress:
        super().__enter__()
        return self

    def tell(self, fault: FaultRow) -> None:
        """Say what is new."""
        self._fault = fault
        for line in steps(fault):
            if line not in self._said:
                self._said.add(line)
                self.say(line)
        self.tick()

    def tick(self) -> None:
        """Draw the countdown anew."""
        if self._fault is not None:
            self.note(countdown(self._fault)[: shutil.get_terminal_size().columns - 1])


def countdown(fault: FaultRow) -> str:
    """How long a fault still takes, in whole seconds."""
    left = parse(fault["until"]) - time.time()
    ending = left <= 0 or fault["ended_by"]
    state = "healing" if ending else f"{math.ceil(left)} s left (Ctrl-C ends it)"
    return f"{fault['fault']} {fault['target']}{spell_from(fault)}: {state}"


def steps(fault: FaultRow) -> Iterator[str]:
    """A line for each step that was taken, in order."""
    begun = parse(fault["times"]["requested"])
    how = fault_named(fault["fault"]).spell(fault["parameters"])
    yield f"{fault['id']}: {fault['fault']} on {spell_targets(fault)}{f' ({how})' if how else ''}"
    for one in fault["targets"]:
        name, times = one["target"], one["times"]
        if times["applied"]:
            yield f"  {_after(begun, times['applied'])} applied to {name}"
        if one["failed"]:
            yield f"          not applied to {name}: {one['failed']}"
        if one["evidence"]:
            word = spell(one["verified"], "verified", "NOT verified", "not verified yet")
            yield f"          {word}: {one['evidence']}"
        if times["ceased"]:
            yield f"  {_after(begun, times['ceased'])} ceased on {name} by itself: {one['end_evidence']}"
        if times["reverting"] and not times["ceased"]:
            yield f"  {_after(begun, times['reverting'])} reverting on {name}: ended by {one['ended_by']}"
        if Phase(one["phase"]).is_settled:
            word = "reverted" if is_over(one) else "UNKNOWN whether it is undone"
            yield f"          {word}: {one['end_evidence']}"


def spell_healing(healing: Healing, what: str | None = None) -> str:
    """What a heal, of everything or of `what`, that left nothing behind has done, in a line."""
    undone, mended = len(healing["faults"]), len(healing["mended"])
    said = [f"undid {undone} {'fault' if undone == 1 else 'faults'}"] if undone else []
    said += [f"mended {mended} other {'thing' if mended == 1 else 'things'}"] if mended else []
    done = " and ".join(said) or "nothing was broken"
    return f"{done}; every part is ready" if what is None else f"{what}: {done}"


def spell_targets(fault: FaultRow) -> str:
    """The parts that a fault is on, and whose calls: by name, or what was asked for when there are many."""
    names = [one["target"] for one in fault["targets"]]
    targets = ", ".join(names) if len(names) <= NAMED else f"{fault['target']}, {len(names)} parts"
    return f"{targets}{spell_from(fault)}"


def _after(begun: float, moment: str) -> str:
    return f"{spell_duration(max(parse(moment) - begun, 0.0)):>7}"
