"""Harmless small faults, drawn by a seed: what goes on in every real site beside the incident that counts.

What may be drawn is what the faults themselves call harmless. Whoever judges an incident must not take it for
one, and an alert that fires for it is a false one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from chaos import following
from chaos.catalogue import all_faults
from chaos.client import UnknownFault
from chaos.fault import Fault, Harmless
from chaos.fault_rows import FaultRow
from chaos.injector import Request, new_id
from foundation.failure import Failure
from foundation.state import State


@dataclass(frozen=True)
class Drawn:
    """One of the noise: a fault, and in which dose."""

    fault: str
    dose: Harmless
    seed: int

    def request(self, reason: str) -> Request:
        """As the controller takes it."""
        return Request(
            self.fault,
            self.dose.target,
            self.dose.seconds,
            self.dose.parameters,
            self.seed,
            new_id(self.fault),
            reason=reason,
        )


def draw(seed: int, runtime: str, faults: Iterable[Fault] = ()) -> Iterator[Drawn]:
    """For ever, the same for the same seed, faults and runtime."""
    doses = [
        (fault.name, dose)
        for fault in faults or all_faults()
        if runtime in fault.runtimes
        for dose in fault.harmless
    ]
    drawing = random.Random(seed)
    while True:
        name, dose = drawing.choice(doses)
        yield Drawn(name, dose, drawing.randrange(2**31))


def make(
    state: State,
    drawn: Iterable[Drawn],
    seed: int,
    every: float,
    seconds: float | None,
    told: Callable[[FaultRow | None, str], None],
    pause: Callable[[float], object] = time.sleep,
) -> int:
    """Inject one after the other, `every` so many seconds, for so many `seconds` (None: until interrupted).
    Returns how many there were. `told` gets each once it is over; None, with why, when one was refused. One
    is drawn after the `pause` before it, so that whoever cuts that short can draw no more.

    Raises KeyboardInterrupt, with the one that is in force ended.
    """
    end = None if seconds is None else time.monotonic() + seconds
    due = time.monotonic()
    number = 0
    left = iter(drawn)
    while True:
        pause(max(0.0, due - time.monotonic()))
        one = next(left, None)
        if one is None:
            break
        if end is not None and time.monotonic() + one.dose.seconds > end:
            break
        due = max(due + every, time.monotonic())
        request = one.request(f"noise of seed {seed}")
        try:
            row = following.begin(state, request, detach=False)
        except Failure as failure:
            told(None, f"{one.fault} {one.dose.target}: {failure.message}")
            continue
        except KeyboardInterrupt:
            with suppress(UnknownFault):  # it had not begun
                following.end(state, request.id)
            raise
        number += 1
        told(row, "")
    return number
