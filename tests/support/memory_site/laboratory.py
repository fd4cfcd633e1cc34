"""Controllers for a site in memory, one after the other, each of which may die at any step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from chaos.injector import Injector
from chaos.journal import Journal
from foundation.patient_ledger import PatientLedger
from memory_site.runtime import Killed
from memory_site.site import MemorySite
from testbed.instruments import JourneyRow


class SteppingJournal(Journal):
    """A journal whose every write is a step at which the controller may die: before, in it, and after."""

    site: MemorySite

    def _write(self, line: bytes) -> None:
        self.site.step()
        try:
            self.site.step()
        except Killed:
            with self._path.open("ab") as file:
                file.write(line[: len(line) // 2])
            raise
        super()._write(line)
        self.site.step()


@dataclass
class Laboratory:
    """A site in memory, and controllers for it, one after the other."""

    folder: Path
    site: MemorySite = field(default_factory=MemorySite)
    injector: Injector | None = None
    journal: Journal | None = None
    journeys: Mapping[str, JourneyRow] = field(default_factory=dict)
    """What the prober says of users; empty: nothing."""

    def controller(self) -> Injector:
        """A controller that takes up what the one before left."""
        self.lose_controller()
        journal = SteppingJournal.open(self.folder / "chaos" / "journal.ndjson", patience=2.0)
        journal.site = self.site
        self.journal = journal
        self.injector = Injector(lambda: self.site, journal, self.ledger, journeys=lambda: self.journeys)
        return self.injector

    def lose_controller(self) -> None:
        """The controller is dead, and has let go of the journal."""
        if self.injector is not None and self.journal is not None:
            self.site.last_step = 0
            self.site.dead.update(self.injector._executions.values())
            self.journal.close()
        self.injector = self.journal = None
        self.site.last_step = None

    @property
    def ledger(self) -> PatientLedger:
        return PatientLedger(self.folder / "record" / "ledger.ndjson")
