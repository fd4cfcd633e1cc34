"""The event log from outside: how far its consumer groups are, as the store says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from foundation.failure import Failure
from services.platform import keys
from services.platform.events.log import GROUPS_LUA
from testbed.stores import Stores

GROUPS: Mapping[str, str] = {"timeline": "fan-out", "notify": "notifications"}
"""By service, the group whose member each of its parts is: what it does with the event log."""

_LOOK = (
    GROUPS_LUA
    + """
local function milliseconds(entry)
  return tonumber(string.match(entry, '^%d+'))
end

local log, name = KEYS[1], ARGV[1]
local read
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', log)) do
  local group = fields(flat)
  read = group['name'] == name and group['last-delivered-id'] or read
end
if not read then
  return nil
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local waits = redis.call('XRANGE', log, '(' .. read, '+', 'COUNT', 1)[1]
local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
local members = {}
for _, flat in ipairs(redis.call('XINFO', 'CONSUMERS', log, name)) do
  local member = fields(flat)
  local oldest = redis.call('XPENDING', log, name, '-', '+', 1, member['name'])[1]
  members[#members + 1] = {
    member['name'], member['idle'], oldest and now - milliseconds(oldest[1]) or -1, oldest and oldest[3] or 0,
    oldest and oldest[4] or 0
  }
end
return {
  waits and now - milliseconds(waits[1]) or 0,
  first and read ~= '0-0' and math.max(0, milliseconds(first[1]) - milliseconds(read)) or 0,
  members
}
"""
)

_APPEND = (
    GROUPS_LUA
    + """
local log, kind, content, by = KEYS[1], unpack(ARGV)
for _, entry in ipairs(redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1000)) do
  if fields(entry[2])['by'] == by then
    return entry[1]
  end
end
return redis.call('XADD', log, '*', 'id', 0, 'type', kind, 'actor', 0, 'json', content, 'by', by)
"""
)

_SKIP = (
    GROUPS_LUA
    + """
local log, dead, group, tries, by, kept = KEYS[1], KEYS[2], unpack(ARGV)
local worst
for _, pending in ipairs(redis.call('XPENDING', log, group, '-', '+', 100)) do
  if pending[4] >= tonumber(tries) and (not worst or pending[4] > worst[4]) then
    worst = pending
  end
end
if not worst then
  return nil
end
local entry = redis.call('XRANGE', log, worst[1], worst[1])[1]
local what = entry and fields(entry[2])['type'] or 'one that was trimmed'
if entry then
  local told = entry[2]
  for _, one in ipairs({'group', group, 'error', by, 'entry', worst[1]}) do
    told[#told + 1] = one
  end
  redis.call('XADD', dead, 'MAXLEN', '~', kept, '*', unpack(told))
end
redis.call('XACK', log, group, worst[1])
return {worst[1], what, worst[4]}
"""
)


@dataclass(frozen=True)
class Skipped:
    """An event that a group was kept from handling, and went to the dead letters."""

    entry: str
    """Its id in the log."""
    type: str
    deliveries: int


@dataclass(frozen=True)
class Taken:
    """The oldest event that a member has taken and not acknowledged. Times are in seconds."""

    age: float
    """Since it happened."""
    held: float
    """Since it was delivered last."""
    deliveries: int


@dataclass(frozen=True)
class GroupNow:
    """How far a group is. Times are in seconds, by the clock of the store."""

    waits: float
    """Since the oldest event happened that nobody has taken; 0: there is none."""
    cut_off: float
    """How long after the last event that was taken the log begins, so that what was between is gone; 0: it is
    all there."""
    idle: Mapping[str, float]
    """By member: since it asked for events last, or for what others left."""
    taken: Mapping[str, Taken]
    """By member, of those that have something."""


class EventLog(Stores):
    """The event log of one site."""

    def group_now(self, name: str) -> GroupNow | None:
        """None when no primary answers, or there is no such group."""
        primary = self.primary
        said = primary and self._redis_says(primary, "EVAL_RO", _LOOK, "1", keys.EVENTS, name)
        if not said:
            return None
        waits, cut_off, members = said
        return GroupNow(
            waits / 1000,
            cut_off / 1000,
            {member.decode(): idle / 1000 for member, idle, *_ in members},
            {
                member.decode(): Taken(age / 1000, held / 1000, deliveries)
                for member, _, age, held, deliveries in members
                if deliveries
            },
        )

    def skip_event(self, group: str, tries: int, by: str) -> Skipped | None:
        """Take the event that a group has tried most often past it, into the dead letters, if that was at
        least so many times. None: there is none, or no primary answers."""
        primary = self.primary
        said = primary and self._redis_says(
            primary,
            *("EVAL", _SKIP, "2", keys.EVENTS, keys.EVENTS_DEAD),
            *(group, str(tries), f"skipped by {by}", str(keys.EVENTS_DEAD_KEPT)),
        )
        return Skipped(said[0].decode(), said[1].decode(), said[2]) if said else None

    def append_event(self, kind: str, content: str, by: str) -> None:
        """Write an event into the log that nobody caused, once for each `by`. Raises Failure when no store
        takes it."""
        primary = self.primary
        if primary is None:
            raise Failure("no store takes writes", "see: failwhale status")
        self._tell(primary, "EVAL", _APPEND, "1", keys.EVENTS, kind, content, by)
