"""The event log: appended in the transaction of the write that it tells of, read by consumer groups."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar

from services.platform.keys import EVENTS, EVENTS_KEPT


def append_lua() -> str:
    """Lua to put at the top of a write script: defines `append_event(id, type, actor, json)`.

    `id` is the event's snowflake, `json` a JSON object as text. The event exists if and only if the write
    does.
    """
    return f"""
local function append_event(id, type, actor, json)
  redis.call('XADD', '{EVENTS}', 'MAXLEN', '~', {EVENTS_KEPT}, '*', 'id', id, 'type', type, 'actor', actor,
  'json', json)
end
"""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: a snowflake, a type, the account that did it, and more by type."""

    id: int
    type: str
    actor: int
    data: dict[str, Any]


class Consumer:
    """What a service does about events. Subclass it, name the group and the types, and write `handle`.

    Each event goes to one member of the group. It may come twice, and after later ones: `handle` must be
    idempotent. An exception leaves the event to be tried again; after several tries it goes to the stream
    `events-dead`.
    """

    group: ClassVar[str]
    types: ClassVar[Collection[str]]

    async def handle(self, event: Event) -> None:
        raise NotImplementedError
