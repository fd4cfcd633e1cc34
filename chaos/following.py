"""A fault as somebody sees it who has it done: begun, followed to its end, judged.

What the command of a fault, the actions of the Chaos Toolkit and the driver share. All of it goes through the
controller, which does the fault; who only waits may go away at any time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from chaos.aftermath import WELL_LIMIT, wait_well
from chaos.catalogue import fault_named
from chaos.client import Client, UnknownFault
from chaos.fault_rows import FaultRow, active, is_judged, is_over, is_settled, spell_from
from chaos.guard import STOPPED
from chaos.injector import Request
from chaos.listener import SILENT, Listener
from chaos.target import named
from foundation.failure import FAILED, INCONCLUSIVE, INTERRUPTED, NOT_RESTORED, Failure
from foundation.state import State
from testbed.instruments import journeys_now
from testbed.site import Site


def begin(state: State, request: Request, *, detach: bool, listener: Listener = SILENT) -> FaultRow:
    """Have a fault done; returns it once it is settled, or with `detach` once it was looked at if it bites.
    The request must have an id. Raises Failure when it is refused or does not end."""
    client = Client(state)
    listener.note("asking the controller")
    client.order(request)
    return _follow(client, request.id, is_judged if detach else is_settled, listener)


def end(state: State, identifier: str, listener: Listener = SILENT) -> FaultRow:
    """End a fault before its time; returns it once it is over, or given up as unknown. Raises UnknownFault
    when the controller knows none of this id."""
    client = Client(state)
    client.end(identifier)
    return _follow(client, identifier, is_settled, listener)


def end_interrupted(state: State, identifier: str, listener: Listener) -> FaultRow:
    """The same for a fault whose order was interrupted. Raises Failure when it had not begun."""
    try:
        return end(state, identifier, listener)
    except UnknownFault:
        raise Failure("interrupted before the fault began", code=INTERRUPTED) from None


def _follow(
    client: Client, identifier: str, until: Callable[[FaultRow], bool], listener: Listener
) -> FaultRow:
    for now in client.watch(identifier, until, listener.tick):  # once at least
        listener.tell(now)
    return now


def wait_until_well(
    state: State, fault: FaultRow, listener: Listener = SILENT
) -> tuple[list[str], list[str]]:
    """What is not well again after a fault that is over, and the ids of other faults that are in force and
    excuse it: what they hurt does not end with this one. They may end while it is looked at: then there is no
    excuse, but time to wait."""
    site = Site(state)
    known = (named(one["target"], site.inventory, fault["callers"]) for one in fault["targets"])
    targets = [target for target in known if target is not None]
    kind = fault_named(fault["fault"])
    hurts = {journey for target in targets for journey in kind.hurts(target, fault["parameters"])}
    store = any(part.kind in ("store", "sentinel") for target in targets for part in target.parts)
    wait = partial(wait_well, site, partial(journeys_now, state), hurts, store=store, note=listener.note)
    if active(state):
        not_well = wait(seconds=0.0)
        others = [other["id"] for other in active(state)]
        if not not_well or others:
            return not_well, others
    return wait(seconds=WELL_LIMIT), []


def judge(fault: FaultRow, *, detached: bool, interrupted: bool = False) -> None:
    """Raise Failure with the exit code that this end of a fault has; nothing when it went as asked."""
    name = f"{fault['id']} ({fault['fault']} on {fault['target']}{spell_from(fault)})"
    if not detached and not is_over(fault):
        left = (one for one in fault["targets"] if not is_over(one))
        why = "; ".join(f"{one['target']}: {one['end_evidence']}" for one in left)
        raise Failure(f"{name} could not be restored: {why}", "failwhale chaos heal", NOT_RESTORED)
    if interrupted:
        raise Failure(f"interrupted: {name} was ended and is undone", code=INTERRUPTED)
    if (by := fault["ended_by"] or "").startswith(STOPPED):
        raise Failure(f"{name} was ended early by its {by}", "see: failwhale outages", FAILED)
    force, step = "it is over", ""
    if not is_over(fault):
        force, step = (
            f"it is in force until {clock_of(fault['until'])} UTC",
            "failwhale chaos heal ends it now",
        )
    failed = [f"{one['target']}: {one['failed']}" for one in fault["targets"] if one["failed"]]
    if failed:
        raise Failure(
            f"{name} failed, and {force}: {'; '.join(failed)}", step or "see: failwhale status", FAILED
        )
    if fault["verified"] is not True:
        doubtful = (one for one in fault["targets"] if one["verified"] is not True)
        evidence = "; ".join(str(one["evidence"] or one["end_evidence"]) for one in doubtful)
        raise Failure(f"{name} was not verified, and {force}: {evidence}", step, INCONCLUSIVE)


def clock_of(time: str) -> str:
    """The hours, minutes and seconds of a time as it stands in a row."""
    return time[len("2026-01-01T") :][: len("00:00:00")]


def refuse_unwell(fault: FaultRow) -> None:
    """Raise Failure when a fault is over and not all is well."""
    if not_well := fault.get("not_well"):
        raise Failure(
            f"{fault['id']} is over, but not all is well: {', '.join(not_well)}",
            "see: failwhale status, failwhale watch",
            NOT_RESTORED,
        )
