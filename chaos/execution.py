"""The life of one fault on one target, from the armed lease to the proof that it is undone.

It can be taken up at any point: `live` does what the journal does not say was done. So a controller that
starts after another was killed calls the same function.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chaos.fault import Fault, Injection, Proof
from chaos.journal import Entry, Journal, PartProgress
from chaos.phase import Phase
from chaos.record import FaultRecorder
from chaos.target import Target
from testbed.inventory import Part
from testbed.site import Site

log = logging.getLogger(__name__)

LEASE_MARGIN = 0.5
"""Seconds by which a lease outlasts its fault, so that it acts only where no controller does."""
VERIFY_LIMIT = 3.0
"""Seconds within which a fault must be seen to bite."""
REVERT_LIMIT = 20.0
"""Seconds after which a revert that cannot be confirmed is unknown."""
LOOK_AGAIN = 0.5
"""Seconds between two looks at a fault that is in force. Each costs a request, or a question to Docker."""
_REVERT_AGAIN = 2.0
"""Seconds to wait for the effect of a revert before it is repeated."""
_RETRY = 0.2
POLL = 0.05


@dataclass(frozen=True)
class Execution:
    """One fault on one target, with what its life needs. `ended` is set when it shall end before its time."""

    fault: Fault
    target: Target
    entry: Entry
    site: Site
    journal: Journal
    record: FaultRecorder
    ended: threading.Event
    others: Callable[[], bool]
    """Whether anything else hurts the site: then the target cannot be asked to be healthy yet."""

    # --- the whole of it ---

    def live(self) -> None:
        """Apply, verify, wait, restore. Never raises: what went wrong is in the journal."""
        try:
            is_due = self._progress.phase in (Phase.REQUESTED, Phase.APPLIED, Phase.VERIFIED)
            if is_due and self._left() > 0 and not self.ended.is_set():
                self._hurt()
        except Exception as error:
            log.exception("%s on %s failed", self.fault.name, self.target.name)
            self._note("failed", why=_one_line(error))
        self.restore()

    def restore(self) -> None:
        """Undo it and verify that within REVERT_LIMIT, else it is unknown. Never raises."""
        give_up = time.monotonic() + REVERT_LIMIT
        by_lease = self._undone_by_its_lease()
        seen = ""
        while time.monotonic() < give_up:
            try:
                self.fault.revert(self.site, self._injection())
                if self._progress.reverting is None:
                    ended_by = by_lease or self._ceased_by() or self.entry_now.ended_by or "limit"
                    self._note("reverting", ended_by=ended_by)
                proof = self._poll(self._look_if_undone, min(give_up, time.monotonic() + _REVERT_AGAIN))
                if proof.verdict:
                    self.fault.disarm(self.site, self._injection())
                    self._note("reverted", evidence=proof.evidence)
                    return
                seen = proof.evidence
            except Exception as error:
                seen = _one_line(error)
                log.warning("reverting %s on %s failed: %s", self.fault.name, self.target.name, seen)
            time.sleep(_RETRY)
        self._note("unknown", evidence=seen)

    # --- its steps ---

    def _hurt(self) -> None:
        if self._progress.applied is None:
            self.fault.arm(self.site, self._injection())
            self.fault.apply(self.site, self._injection())
            self._note("applied")
        self._verify(time.monotonic() + min(VERIFY_LIMIT, self._left()))
        if self.fault.lasting:
            self._last()
            if self._progress.verified is None and self._left() > -LEASE_MARGIN:
                self._verify(time.monotonic())

    def _last(self) -> None:
        """Wait for the limit or an early end. It may also cease: who is frozen and then killed is no longer
        frozen. So it is looked at again, for the record must not say that something hurts which does not.
        """
        self._sustain()
        while (left := self._left()) > 0 and not self.ended.wait(min(left, LOOK_AGAIN)):
            self._sustain()
            if self._progress.verified is None:
                self._verify_at_last()
            elif self._progress.verified is True and self._left() > 0:
                seen = self._seen_instead()
                if seen and not self.ended.is_set():
                    self._note("ceased", evidence=seen)
                    return

    def _sustain(self) -> None:
        try:
            self.fault.sustain(self.site, self._injection())
        except Exception as error:  # tried again in a moment; whether it bites still is seen by its proof
            log.warning("sustaining %s on %s failed: %s", self.fault.name, self.target.name, _one_line(error))

    def _verify_at_last(self) -> None:
        """It met nobody within its first seconds, or the machine was too busy to tell."""
        proof = self._poll(lambda: self.fault.verify(self.site, self._injection()), until=0.0)
        if proof.verdict or (proof.verdict is False and self._left() > 0):
            self._note("verified", verified=proof.verdict, evidence=proof.evidence)

    def _seen_instead(self) -> str:
        """What was seen instead of the fault; empty while it is there, or when nobody can say."""
        undone = self._poll(lambda: self.fault.verify_reverted(self.site, self._injection()), until=0.0)
        if undone.verdict is not True:
            return ""
        still = self._poll(lambda: self.fault.verify(self.site, self._injection()), until=0.0)
        return "" if still.verdict is True else undone.evidence

    def _verify(self, until: float) -> None:
        """What is not there any more once the limit has come says nothing: the lease may have ended it."""
        if self._progress.verified is not True:
            proof = self._poll(lambda: self.fault.verify(self.site, self._injection()), until)
            if proof.verdict is False and self._progress.evidence and self._left() <= 0:
                return
            self._note("verified", verified=proof.verdict, evidence=proof.evidence)

    def _look_if_undone(self) -> Proof:
        proof = self.fault.verify_reverted(self.site, self._injection())
        if not proof.verdict or self.others():
            return proof
        left = [part for part in self.target.parts if not self.site.ready(part)]
        if left and self._progress.ceased is not None and not any(map(self._runs, left)):
            return Proof(True, f"{proof.evidence} and stopped since by somebody")
        return Proof(not left, f"{proof.evidence} and {'not ready yet' if left else 'ready'}")

    def _runs(self, part: Part) -> bool:
        return self.site.runtime.is_running(part.name)

    def _undone_by_its_lease(self) -> str:
        """Whether nobody was there at the limit, so that somebody closer did it: the record must say so."""
        if self._left() > -LEASE_MARGIN or self._progress.applied is None or not self.fault.lasting:
            return ""
        try:
            return "lease" if self.fault.verify_reverted(self.site, self._injection()).verdict else ""
        except Exception:
            return ""

    def _ceased_by(self) -> str:
        """Who ended it before anybody undid it: an operator who was at work there, or nobody. Empty where
        that is not what happened."""
        applied, ceased = self._progress.applied, self._progress.ceased
        if ceased is None:
            return ""
        return "operator" if self.record.was_operated(self.target.name, applied or 0.0, ceased) else "itself"

    def _poll(self, look: Callable[[], Proof], until: float) -> Proof:
        """The first true proof, or the last one before `until` (monotonic seconds). Looks at least once."""
        while True:
            try:
                proof = look()
            except Exception as error:
                proof = Proof(None, _one_line(error))
            if proof.verdict or time.monotonic() + POLL > until:
                return proof
            time.sleep(POLL)

    # --- what is known ---

    @property
    def entry_now(self) -> Entry:
        return self.journal.book.entries[self.entry.order.id]

    @property
    def _progress(self) -> PartProgress:
        return self.entry_now.progress[self.target.name]

    def _left(self) -> float:
        """Seconds until the limit."""
        return self.entry.order.left()

    def _injection(self) -> Injection:
        order = self.entry.order
        return Injection(order.id, self.target, order.parameters, max(self._left(), 0.0) + LEASE_MARGIN)

    def _note(self, event: str, **fields: Any) -> None:
        """First the ledger: after a crash between the two the step is taken again, and told twice."""
        self.record.tell(event, self.entry, self.target.name, **fields)
        self.journal.note(event, id=self.entry.order.id, target=self.target.name, **fields)


def _one_line(error: Exception) -> str:
    return " ".join((str(error) or type(error).__name__).split())
