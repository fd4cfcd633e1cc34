"""The one error that reaches a person, and the exit codes of every command. Standard library only."""

from __future__ import annotations

OK = 0
FAILED = 1
USAGE = 2
BASELINE_NOT_MET = 3
INCONCLUSIVE = 4
NOT_RESTORED = 5
INTERRUPTED = 130


class Failure(Exception):
    """What was asked cannot be done: one line of cause, one next step, one exit code. Never a traceback."""

    def __init__(self, message: str, next_step: str = "", code: int = FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
        self.code = code
