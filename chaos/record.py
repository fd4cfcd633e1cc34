"""What the ledger is told about faults: the ground truth that outages are joined to."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from chaos.journal import Entry
from foundation.clock import stamp
from foundation.console import spell_duration
from foundation.patient_ledger import PatientLedger

log = logging.getLogger(__name__)


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

    def catch_up(self) -> bool:
        """Write what there was no room for. Returns whether the ledger has all."""
        return self._ledger.catch_up()


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
