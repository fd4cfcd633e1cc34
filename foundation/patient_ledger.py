"""A ledger for whoever must go on although the disk is full."""

from __future__ import annotations

import logging
import threading
from collections import deque
from pathlib import Path
from typing import Any

from foundation.clock import Clock
from foundation.ledger import Ledger, Record

MOST_WAITING = 20_000
"""Records that wait in memory, some 10 MB; of more than that, the details of attempts are given up."""

EXPENDABLE = ("attempt.failed", "attempt.slow")
"""Kinds of record whose loss takes nothing from outages and counts."""

log = logging.getLogger(__name__)


class PatientLedger(Ledger):
    """A ledger whose records wait in memory while they cannot be written, and keep the time of their being
    made. Safe to use from several threads.

    Nothing is lost without a word: what is given up for want of memory is counted, and the count is written
    down as `records.dropped` once there is room.
    """

    def __init__(self, path: Path | str, clock: Clock | None = None, *, most: int = MOST_WAITING) -> None:
        super().__init__(path, clock)
        self.dropped = 0
        """Records that were given up so far."""
        self.problem = ""
        """Why the latest record could not be written; empty when it was."""
        self._most = most
        self._unreported = 0
        self._waiting: deque[Record] = deque()
        self._turn = threading.Lock()

    @property
    def waiting(self) -> int:
        """Records that are yet to be written."""
        return len(self._waiting)

    def append(self, kind: str, **fields: Any) -> Record:
        """Take one record, which is written now or as soon as there is room, and return it."""
        record = self.record(kind, fields)
        with self._turn:
            self._waiting.append(record)
            self._write_what_waits()
            if len(self._waiting) > self._most:
                self._drop()
        return record

    def catch_up(self) -> bool:
        """Write what there was no room for. Returns whether the ledger has all."""
        with self._turn:
            self._write_what_waits()
            return not self._waiting

    def _write_what_waits(self) -> None:
        try:
            while self._waiting:
                self.write(self._waiting[0])
                self._waiting.popleft()
            if self._unreported:
                self.write(self.record("records.dropped", {"count": self._unreported}))
                self._unreported = 0
        except OSError as error:
            if not self.problem:
                log.error("the ledger has no room, records wait in memory: %s", error)
            self.problem = error.strerror or str(error)
        else:
            self.problem = ""

    def _drop(self) -> None:
        """Give up the older half of what can be spared."""
        spared = [record for record in self._waiting if record["kind"] in EXPENDABLE]
        given_up = {id(record) for record in spared[: (len(spared) + 1) // 2]}
        self._waiting = deque(record for record in self._waiting if id(record) not in given_up)
        self.dropped += len(given_up)
        self._unreported += len(given_up)
