"""What a command shows while it works: one moving line on a terminal, plain lines in a pipe, nothing with
--quiet."""

from __future__ import annotations

import sys
from types import TracebackType

from foundation.console import is_terminal


class Progress:
    """`say` is for what stays, `note` for what moves; both on stderr."""

    def __init__(self, quiet: bool) -> None:
        self.is_quiet = quiet
        self._moves = not quiet and is_terminal()
        self._noted = ""

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def say(self, line: str) -> None:
        """One line that stays."""
        if not self.is_quiet:
            self.clear()
            print(line, file=sys.stderr, flush=True)

    def note(self, line: str) -> None:
        """What is going on now; replaces the note before. Not shown where nothing can move."""
        if self._moves and line != self._noted:
            self.clear()
            sys.stderr.write(line)
            sys.stderr.flush()
            self._noted = line

    def clear(self) -> None:
        """Take the moving line away, before something else is written to the terminal."""
        if self._noted:
            sys.stderr.write("\r\x1b[K")
            self._noted = ""
