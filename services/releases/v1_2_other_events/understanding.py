"""How both consumers understand the new name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace

from services.platform.events.consumer import Consumer
from services.platform.events.log import Event
from services.releases.release import wrap
from services.releases.v1_2_other_events import FORMER, NAME

Handle = Callable[[Consumer, Event], Awaitable[None]]


def understand(consumer: type[Consumer]) -> None:
    """Let it handle the new name, and pass over the old one."""
    wrap(consumer, "types", by_new_name)
    wrap(consumer, "handle", translated)


def by_new_name(types: Collection[str]) -> frozenset[str]:
    assert FORMER in types
    return frozenset(types) - {FORMER} | {NAME}


def translated(handle: Handle) -> Handle:
    async def handle_translated(self: Consumer, event: Event) -> None:
        await handle(self, replace(event, type=FORMER) if event.type == NAME else event)

    return handle_translated
