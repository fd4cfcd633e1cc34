"""The losses that the modes are compared by."""

from __future__ import annotations

from dataclasses import dataclass

from chaos.injector import Request


@dataclass(frozen=True)
class Loss:
    """The primary of the store dies, by SIGKILL, while people write."""

    name: str
    title: str
    before: str = ""
    """A fault that is there before, on the replica; empty: it follows."""

    def request_before(self, seconds: float) -> Request:
        return Request(self.before, "store:replica", seconds, reason="drill durability")


LOSSES = (
    Loss("primary", "the primary dies, and its replica was in step"),
    Loss("primary-replica-behind", "the primary dies, and its replica had stood still", "replication-cut"),
)
