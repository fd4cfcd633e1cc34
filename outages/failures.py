"""What a user may fail by, in exact names."""

from __future__ import annotations

from typing import Literal

ErrorClass = Literal["refused", "handshake", "time-out", "status", "wrong-content", "closed"]


class Failed(Exception):
    """A user did not get what was asked for. `error` is the class, `detail` says what exactly was seen."""

    def __init__(self, error: ErrorClass, detail: str = "") -> None:
        super().__init__(f"{error}: {detail}" if detail else error)
        self.error: ErrorClass = error
        self.detail = detail


class EdgeUnreachable(Failed):
    """No TCP connection came about: the one failure after which another edge is tried."""


class Refused(Failed):
    """An answer with another status than those that mean success."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__("status", detail)
        self.status = status
