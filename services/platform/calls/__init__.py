"""Calls between services: deadline, retries within a budget, ejection, bounded work in flight."""

from services.platform.calls.caller import Caller, ReplicaAnswer, StreamedAnswer

__all__ = ["Caller", "ReplicaAnswer", "StreamedAnswer"]
