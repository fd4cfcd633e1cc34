"""What stands in the event log, and how it gets there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from services.platform.ids import SEQUENCES, WORKERS
from services.platform.keys import EVENTS, EVENTS_MOST, NEWEST_IDS
from services.platform.lua import fragment

GROUPS_LUA = fragment("services.platform.events", "groups")
"""Lua to put before a script about the groups: defines `fields`, `is_before` and `handled`."""


def append_lua() -> str:
    """Lua to put at the top of a write script: defines `append_event(id, type, actor, json)`.

    `id` is the event's snowflake, `json` a JSON object as text. The event exists if and only if the write
    does. The newest id of each worker is kept, so that a worker that starts again makes none twice.
    """
    return f"""
local function append_event(id, type, actor, json)
  redis.call('XADD', '{EVENTS}', 'MAXLEN', '~', {EVENTS_MOST}, '*',
    'id', id, 'type', type, 'actor', actor, 'json', json)
  local worker = math.floor(id / {SEQUENCES}) % {WORKERS}
  if tonumber(id) > tonumber(redis.call('HGET', '{NEWEST_IDS}', worker) or 0) then
    redis.call('HSET', '{NEWEST_IDS}', worker, id)
  end
end
"""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: a snowflake, a type, the account that did it, and more by type."""

    id: int
    type: str
    actor: int
    data: dict[str, Any]


def parse(fields: dict[bytes, bytes]) -> Event:
    """Read an entry of the stream. Raises KeyError or ValueError where `append_event` did not write it."""
    return Event(
        id=int(fields[b"id"]),
        type=fields[b"type"].decode(),
        actor=int(fields[b"actor"]),
        data=json.loads(fields[b"json"]),
    )
