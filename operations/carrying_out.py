"""Carrying an operation out: what it is aimed at, what becomes of it, and what the ledger is told."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foundation.failure import USAGE, Failure
from foundation.patient_ledger import PatientLedger
from foundation.state import State
from foundation.user import user
from operations.catalogue import operation_named
from operations.operation import Operation, Order, Say
from testbed.site import Site
from testbed.sitefile import refuse_down

LONGEST_REASON = 200
"""In characters."""


@dataclass(frozen=True)
class Done:
    """An operation that was carried out."""

    id: str
    operation: str
    target: str
    parts: tuple[str, ...]
    asked_by: str
    reason: str
    said: str
    """What was done."""
    seconds: float


def carry_out(
    state: State,
    name: str,
    target: str = "",
    given: Mapping[str, Any] | None = None,
    reason: str = "",
    say: Say = lambda line: None,
) -> Done:
    """Carry an operation out on the site of this folder. Raises Failure with the reason and the next step
    when it is refused, or does not take effect.

    That it has begun is in the ledger first: what it brings about may be seen before it is done.
    """
    operation = operation_named(name)
    target = target or operation.usual
    _refuse_senseless(operation, target, reason)
    refuse_down(state)
    site = Site(state)
    parts = operation.parts(site, target)
    parameters = {one.name: one.default for one in operation.parameters} | dict(given or {})
    ledger = PatientLedger(state.ledger)
    about: dict[str, Any] = {
        "id": f"o-{secrets.token_hex(3)}",
        "operation": name,
        "target": target,
        "parts": tuple(part.name for part in parts),
        "asked_by": user(),
        "reason": reason,
    }
    began = time.monotonic()

    def seconds() -> float:
        return round(time.monotonic() - began, 3)

    ledger.append("operation.begun", **about)
    try:
        said = operation.carry_out(Order(state, site, target, parts, parameters, reason, say))
    except BaseException as error:
        why = error.message if isinstance(error, Failure) else f"it broke off ({type(error).__name__})"
        ledger.append("operation.refused", **about, why=why, seconds=seconds())
        raise
    done = Done(**about, said=said, seconds=seconds())
    ledger.append("operation.done", **about, said=said, seconds=done.seconds)
    return done


def _refuse_senseless(operation: Operation, target: str, reason: str) -> None:
    if not reason.isprintable() or len(reason) > LONGEST_REASON:
        raise Failure(f"a reason is one line of at most {LONGEST_REASON} characters", code=USAGE)
    if bool(target) != bool(operation.target_help):
        needs = "needs a target" if operation.target_help else "takes no target"
        raise Failure(f"{operation.name} {needs}", f"for example: {operation.example}", USAGE)
