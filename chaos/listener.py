"""Who is told how a fault goes, while somebody waits for it."""

from __future__ import annotations

from chaos.fault_rows import FaultRow


class Listener:
    """Is told in the order in which it happens. This one does nothing about it."""

    def say(self, line: str) -> None:
        """Something that was done, in words."""

    def note(self, line: str) -> None:
        """What is going on now, in words."""

    def tell(self, fault: FaultRow) -> None:
        """The fault, each time that it has changed."""

    def tick(self) -> None:
        """Several times a second while nothing changes, for who draws a countdown."""


SILENT = Listener()
