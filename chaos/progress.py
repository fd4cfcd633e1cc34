"""Telling a person how a fault goes: what it is, each step if they ask, and a countdown on a terminal."""

from __future__ import annotations

import math
import operator
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass

import foundation.progress
from chaos.catalogue import fault_named
from chaos.fault_rows import FaultRow, TargetRow, is_over, spell_from, spell_who_ended
from chaos.heal import Healing
from chaos.listener import Listener
from chaos.phase import Phase
from foundation.clock import parse
from foundation.console import spell_duration, spell_names
from foundation.verdict import spell


class FaultProgress(foundation.progress.Progress, Listener):
    """Says once what a fault is, and if `verbose` each of its steps, on stderr; and counts down to its end
    where a line can move."""

    def __init__(self, *, quiet: bool, verbose: bool = False) -> None:
        super().__init__(quiet)
        self._verbose = verbose
        self._said: set[str] = set()
        self._fault: FaultRow | None = None

    def __enter__(self) -> FaultProgress:
        super().__enter__()
        return self

    def tell(self, fault: FaultRow) -> None:
        """Say what is new."""
        self._fault = fault
        for line in (heading(fault), *(steps(fault) if self._verbose else ())):
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


def heading(fault: FaultRow) -> str:
    """What is done to which parts."""
    how = fault_named(fault["fault"]).spell(fault["parameters"])
    return f"{fault['id']}: {fault['fault']} on {spell_targets(fault)}{f' ({how})' if how else ''}"


def steps(fault: FaultRow) -> list[str]:
    """A line for each step, in the order of time, with all the targets that took it. It is told once no other
    target can take it any more at the same stage."""
    begun = parse(fault["times"]["requested"])
    taken = [list(_steps_of(one)) for one in fault["targets"]]
    settled = [Phase(one["phase"]).is_settled for one in fault["targets"]]
    lines: list[tuple[float, int, str]] = []
    for stage in range(_STAGES):
        reached = [any(step.stage == stage for step in own) for own in taken]
        if not all(map(operator.or_, reached, settled)):
            break
        groups: dict[str, list[_Step]] = {}
        for step in (step for own in taken for step in own if step.stage == stage):
            groups.setdefault(step.words, []).append(step)
        for words, group in groups.items():
            at = max(step.at for step in group)
            seen = "; ".join(dict.fromkeys(step.seen for step in group if step.seen))
            said = words.format(", ".join(step.target for step in group))
            after = spell_duration(max(at - begun, 0.0))
            lines.append((at, stage, f"  {after:>7} {said}{f': {seen}' if seen else ''}"))
    return [line for _, _, line in sorted(lines)]


@dataclass(frozen=True)
class _Step:
    """What happened on one target; `words` have a place for the names of all for which the same did."""

    stage: int
    target: str
    at: float
    words: str
    seen: str = ""


_STAGES = 4
"""Applied, looked at if it bites, ended, undone."""


def _steps_of(one: TargetRow) -> Iterator[_Step]:
    name, times = (
        one["target"],
        {phase: parse(at) for phase, at in one["times"].items() if isinstance(at, str)},
    )
    began = times.get("applied", times["requested"])
    if one["failed"]:
        yield _Step(0, name, began, "not applied to {}", one["failed"])
    elif "applied" in times:
        yield _Step(0, name, began, "applied to {}")
    if one["evidence"]:
        word = spell(one["verified"], "verified", "NOT verified", "not verified yet")
        yield _Step(1, name, times.get("verified", began), f"{word} on {{}}", one["evidence"])
    if "ceased" in times:
        if by := spell_who_ended(one):
            yield _Step(2, name, times["ceased"], f"ceased on {{}} {by}", one["end_evidence"] or "")
    elif "reverting" in times:
        yield _Step(2, name, times["reverting"], f"reverting on {{}}: ended by {one['ended_by']}")
    if Phase(one["phase"]).is_settled:
        word = "reverted on {}" if is_over(one) else "UNKNOWN whether it is undone on {}"
        end = max(times.values())
        yield _Step(3, name, end, word, one["end_evidence"] or "")


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
    targets = spell_names(names, f"{fault['target']}, {len(names)} parts")
    return f"{targets}{spell_from(fault)}"
