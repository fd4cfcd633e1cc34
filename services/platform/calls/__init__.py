"""Calls between services: deadline, retries within a budget, ejection, bounded work in flight."""

from services.platform.calls.caller import Answer, Caller, Stream

__all__ = ["Answer", "Caller", "Stream"]
