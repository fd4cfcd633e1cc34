"""What the ledger is told about faults: the ground truth that outages are joined to."""

from __future__ import annotations

from typing import Any

from chaos.journal import Entry
from foundation.clock import stamp
from foundation.patient_ledger import PatientLedger


class FaultRecorder:
    """The ledger's lines about faults. Safe to use from several threads.

    That one cannot be written (a full disk) keeps no fault in force. It is written later, with the time at
    which it happened, for a fault whose end is missing would be the cause of every outage that follows.
    """

    def __init__(self, ledger: PatientLedger) -> None:
        self._ledger = ledger

    def tell(self, event: str, entry: Entry, target: str, **fields: Any) -> None:
        """A step of a fault on one part."""
        order = entry.order
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
