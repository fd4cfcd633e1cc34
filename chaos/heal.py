"""heal: make the site, or some of it, whole, whoever is dead, any number of times.

Two steps. What the journal knows is undone by an injector: the controller's, or one of our own when none
answers. Then every part is looked at, because a journal can be lost, and a heal must not depend on it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TypedDict

from chaos.catalogue import all_faults
from chaos.client import Client, NoController
from chaos.fault import Fault
from chaos.fault_rows import FaultRow, is_over, show
from chaos.injector import Injector
from chaos.journal import Busy, Journal, read
from chaos.listener import SILENT, Listener
from chaos.target import SITE
from foundation.failure import NOT_RESTORED, USAGE, Failure
from foundation.patient_ledger import PatientLedger
from foundation.state import State
from testbed.inventory import Part
from testbed.readiness import wait_ready
from testbed.selector import select
from testbed.site import Site

CONTROLLER = "chaos"
PATIENCE = 3.0
"""Seconds for a controller that holds the journal without answering, before it is taken from it."""
READY_LIMIT = 30.0
"""Seconds for all parts to be ready at the end."""


class Healing(TypedDict):
    """What a heal did."""

    faults: list[FaultRow]
    """That were undone."""
    mended: list[str]
    """What was found besides, a line each."""
    broken: list[str]
    """Parts that are not ready all the same."""


@dataclass(frozen=True)
class Scope:
    """What shall be healed."""

    faults: tuple[str, ...] | None
    """By their ids; None: all."""
    parts: tuple[Part, ...]
    """To look at for what is left behind, and to wait for. None for a fault: others may be on its parts."""


def heal(state: State, listener: Listener = SILENT, what: str | None = None) -> Healing:
    """Heal the site; or one fault, by its id; or some parts, by a selector: then every fault on one of them
    is undone, on all that it was aimed at. Works with no process of failwhale alive; the runtime starts what
    it needs.

    Raises Failure when there is no site, and (usage) when there is no such fault or part.
    """
    site = Site(state)
    scope = _scope(state, site, what)
    listener.note("healing")
    faults = _undo_faults(state, site, scope.faults, listener)
    for fault in faults:
        listener.tell(fault)
    mended, refusals = mend(site, scope.parts)
    for line in (*mended, *refusals):
        listener.say(line)
    return {"faults": faults, "mended": mended, "broken": wait_ready(site, scope.parts, READY_LIMIT)}


def _scope(state: State, site: Site, what: str | None) -> Scope:
    if what is None or what == SITE:
        return Scope(None, site.inventory.parts)
    entries = read(state.journal).entries
    if what in entries:
        return Scope((what,), ())
    try:
        parts = select(what, site.inventory.parts, site.store_roles, seed=0)
    except Failure as failure:
        cause = f"no fault has the id {what!r}, and {failure.message}"
        raise Failure(cause, failure.next_step, USAGE) from None
    names = {SITE, *(part.name for part in parts)}
    concerned = (entry for entry in entries.values() if not entry.over and names & entry.progress.keys())
    return Scope(tuple(entry.order.id for entry in concerned), parts)


def _undo_faults(state: State, site: Site, ids: Collection[str] | None, listener: Listener) -> list[FaultRow]:
    for _ in range(2):
        try:
            return Client(state).heal(ids)
        except NoController as absent:
            listener.say(f"{absent}: healing without it")
        try:
            return _undo_alone(Journal.open(state.journal, PATIENCE), state, site, ids)
        except Busy:
            pass  # by a controller that has just started, so it is asked once more
    # Who holds the journal and does not answer is frozen or stuck. It is killed, and started anew.
    site.runtime.kill(CONTROLLER)
    try:
        return _undo_alone(Journal.open(state.journal, PATIENCE), state, site, ids)
    finally:
        site.runtime.start(CONTROLLER)


def _undo_alone(journal: Journal, state: State, site: Site, ids: Collection[str] | None) -> list[FaultRow]:
    try:
        injector = Injector(lambda: site, journal, PatientLedger(state.ledger))
        return [show(entry) for entry in injector.end_all("heal", ids)]
    finally:
        journal.close()


def mend(site: Site, parts: Iterable[Part]) -> tuple[list[str], list[str]]:
    """Undo on these parts what faults leave behind, without a journal; returns a line for each thing found.

    And one for each part that could not be mended: that keeps none of the others from it.
    """
    mended: list[str] = []
    refusals = []
    faults = _sweepers(site.runtime.name)
    for part in parts:
        try:
            mended.extend(_mend_part(site, part, faults))
        except Failure as failure:
            refusals.append(f"{part.name}: {failure.message}")
    return mended, refusals


def look(site: Site, parts: Iterable[Part]) -> list[str]:
    """What faults have left behind on these parts, a line each; touches nothing."""
    faults = _sweepers(site.runtime.name)
    return [
        f"{part.name} {found}" for part in parts for fault in faults if (found := fault.leftover(site, part))
    ]


def _mend_part(site: Site, part: Part, faults: Iterable[Fault]) -> Iterator[str]:
    for fault in faults:
        if found := fault.leftover(site, part):
            fault.sweep(site, part)
            yield f"{part.name} {found} and {fault.restored}"


def _sweepers(runtime: str) -> list[Fault]:
    """Whom to ask for each part, one of the faults that leave the same behind: a silent part costs a time-out
    each time that it is asked. The outer come first."""
    possible = (fault for fault in all_faults() if runtime in fault.runtimes)
    return sorted({fault.leaves: fault for fault in possible}.values(), key=lambda fault: fault.lies)


def refuse_unhealed(result: Healing) -> None:
    """Raise Failure (not restored) when a heal left something behind."""
    left = [f"{fault['id']} on {fault['target']}" for fault in result["faults"] if not is_over(fault)]
    left += [f"{part} is not ready" for part in result["broken"]]
    if left:
        raise Failure(
            f"not restored: {'; '.join(left)}", "see: failwhale status, failwhale logs PART", NOT_RESTORED
        )
