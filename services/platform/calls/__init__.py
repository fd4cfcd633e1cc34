"""Calls between services: deadline, retries within a budget, ejection, bounded work in flight."""

from services.platform.calls.caller import Caller, ReplicaAnswer, StreamedAnswer
from services.platform.calls.wire import Reached

__all__ = ["Caller", "Reached", "ReplicaAnswer", "StreamedAnswer"]
