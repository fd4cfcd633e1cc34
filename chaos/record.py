"""What the ledger is told about faults: the ground truth that outages are joined to."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from chaos.journal import Entry
from outages.clock import stamp
from outages.ledger import Ledger

log = logging.getLogger(__name__)


class Record:
    """The ledger's lines about faults. Safe to use from several threads.

    That one cannot be written (a full disk) keeps no fault in force. It is written later, with the time at
    which it happened, for a fault whose end is missing would be the cause of every outage that follows.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._turn = threading.Lock()
        self._unwritten: list[dict[str, Any]] = []

    def tell(self, event: str, entry: Entry, target: str, **fields: Any) -> None:
        """A step of a fault on one part."""
        order = entry.order
        with self._turn:
            self._unwritten.append(
                {
                    "at": stamp(time.time()),
                    "kind": f"fault.{event}",
                    "fault": order.id,
                    "name": order.fault,
                    "target": target,
                    "parameters": dict(order.parameters),
                    "until": stamp(order.until),
                    **fields,
                }
            )
            try:
                self._write_what_is_left()
            except OSError:
                log.exception("the ledger lacks, until there is room: %s of %s", event, order.id)

    def catch_up(self) -> bool:
        """Write what there was no room for. Returns whether the ledger has all."""
        with self._turn:
            try:
                self._write_what_is_left()
            except OSError:
                return False
            return True

    def _write_what_is_left(self) -> None:
        while self._unwritten:
            self._ledger.append(**self._unwritten[0])
            del self._unwritten[0]
