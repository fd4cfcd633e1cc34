"""What the ledger is told about faults: the ground truth that outages are joined to."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from chaos.journal import Entry
from chaos.target import SITE
from foundation.clock import parse, stamp
from foundation.console import spell_duration
from foundation.patient_ledger import PatientLedger
from foundation.records import fits

log = logging.getLogger(__name__)

_TAKES_EFFECT = 10.0
"""Seconds after an operation is done in which what it brought about is seen; as a rule it takes one."""


class FaultRecorder:
    """The ledger's lines about faults. Safe to use from several threads.

    That one cannot be written (a full disk) keeps no fault in force. It is written later, with the time at
    which it happened, for a fault whose end is missing would be the cause of every outage that follows.
    """

    def __init__(self, ledger: PatientLedger) -> None:
        self._ledger = ledger

    def tell(self, event: str, entry: Entry, target: str, **fields: Any) -> None:
        """A step of a fault on one part. The log of the controller has it, too, in words."""
        order = entry.order
        log.info("%s: %s on %s %s", order.id, order.fault, target, _spell(event, entry, fields))
        self._ledger.append(
            f"fault.{event}",
            fault=order.id,
            name=order.fault,
            target=target,
            parameters=dict(order.parameters),
            until=stamp(order.until),
            **fields,
        )

    def was_operated(self, target: str, since: float, until: float) -> bool:
        """Whether an operator was at work on this target in that time (Unix seconds), at its end or not long
        before: by an operation, another release, or, of the whole site, another configuration."""
        lately = until - _TAKES_EFFECT
        over: set[str] = set()
        for record in self._ledger.latest():
            at = parse(record["at"])
            if at < since:
                break
            if at > until or not fits(record):
                continue
            if record["kind"] in ("operation.done", "operation.refused") and at < lately:
                over.add(record["id"])
            concerned = _concerned(record)
            is_lately = at >= lately or (record["kind"] == "operation.begun" and record["id"] not in over)
            if is_lately and concerned and target in (SITE, *concerned):
                return True
        return False

    def catch_up(self) -> bool:
        """Write what there was no room for. Returns whether the ledger has all."""
        return self._ledger.catch_up()


def _concerned(record: Mapping[str, Any]) -> Sequence[str]:
    """The targets on which somebody was at work by this record; empty: nobody was."""
    match record["kind"]:
        case "operation.begun":
            return list(record["parts"])
        case "release.changed":
            return [record["part"]]
        case "configuration.begun":
            return [SITE]
    return []


def _spell(event: str, entry: Entry, fields: Mapping[str, Any]) -> str:
    order = entry.order
    if event == "requested":
        by = f" by {order.asked_by}" if order.asked_by else ""
        why = f": {order.reason}" if order.reason else ""
        return f"requested for {spell_duration(order.seconds)}{by}{why}"
    if event == "verified" and not fields["verified"]:
        event = "not verified"
    if event == "reverting":
        event = f"ended by {fields['ended_by']}"
    said = fields.get("evidence") or fields.get("why")
    return f"{event}: {said}" if said else event
