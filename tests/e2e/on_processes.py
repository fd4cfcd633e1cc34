"""The site under test as plain processes: everything about it is in the state folder and on this machine."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from site_under_test import Site

from foundation.state import State
from testbed.site import Site as SiteOfChaos
from testbed.sitefile import SiteFile


class OnProcesses(Site):
    runtime = "processes"

    def _site(self) -> SiteFile:
        return SiteFile.read(State(self.state))

    def address(self, part: str) -> str:
        (addresses,) = [row.addresses for row in self._site().parts if row.name == part]
        return str(next(iter(addresses.values())))

    def credentials(self) -> Path:
        return self.state

    def remove_journal(self) -> None:
        State(self.state).journal.unlink()

    def read(self, path: str) -> str:
        file = self.state / path
        return file.read_text() if file.exists() else ""

    def as_chaos_sees_it(self) -> SiteOfChaos:
        return SiteOfChaos(State(self.state))

    def life(self, part: str) -> str:
        return str(self.status(part)["pid"] or "")

    def sigkill(self, part: str) -> None:
        os.kill(self.status(part)["pid"], signal.SIGKILL)

    def sigkill_all_keepers(self) -> None:
        """The supervisor first: the other way round it would start the controller again."""
        controller = self.status("chaos")["pid"]
        supervisor = self._site().as_processes.supervisor
        assert supervisor is not None
        os.kill(supervisor.pid, signal.SIGKILL)
        os.kill(controller, signal.SIGKILL)
