"""The event log: appended in the transaction of the write that it tells of, read by consumer groups."""

from services.platform.events.consumer import Consumer, consume
from services.platform.events.log import Event, append_lua

__all__ = ["Consumer", "Event", "append_lua", "consume"]
