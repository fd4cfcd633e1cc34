"""The event log is trimmed to what is needed, and by maintenance alone."""

from __future__ import annotations

import pytest

from services.maintenance.jobs import trim_events
from services.maintenance.jobs.trim_events import TrimEvents
from services.platform.events.log import append_lua
from services.platform.store import Script, Store

WHOLE_NODES = 200
"""The server trims by whole nodes of its tree, so that as much may be left of what need not be."""

FILL = Script(
    append_lua()
    + """
    for id = 1, 1000 do
      append_event(id, 'post.created', 7, '{}')
    end
    """
)


async def fill(store: Store) -> None:
    await store.write(FILL)


async def handle(store: Store, group: str, taken: int = 1000, handled: int = 1000) -> None:
    """Have a group that has taken so many events, and handled the first of them."""
    await store.redis.xgroup_create("events", group, "0")
    if taken:
        ((_, entries),) = await store.redis.xreadgroup(group, "a", {"events": ">"}, count=taken)
        if handled:
            await store.redis.xack("events", group, *(identifier for identifier, _ in entries[:handled]))


@pytest.fixture
def nothing_kept(monkeypatch):
    """What all groups have handled goes at once."""
    monkeypatch.setattr(trim_events, "EVENTS_KEPT", 0)


async def test_what_all_groups_have_handled_is_trimmed(context, nothing_kept):
    await fill(context.store)
    await handle(context.store, "recorders")
    assert await TrimEvents().measure(context) == {"event_log_entries": 1000}
    assert await TrimEvents().run(context) != "0 entries went"
    left = await TrimEvents().measure(context)
    assert left["event_log_entries"] <= WHOLE_NODES


async def test_what_all_groups_have_handled_is_kept_for_a_while_of_lab_time(context, monkeypatch):
    await fill(context.store)
    await handle(context.store, "recorders")
    monkeypatch.setattr(trim_events, "EVENTS_KEPT_DAYS", 6.0)  # of ten seconds each
    assert await TrimEvents().run(context) == "0 entries went"
    monkeypatch.setattr(trim_events, "EVENTS_KEPT_DAYS", 0.0)
    await TrimEvents().run(context)
    assert await context.store.redis.xlen("events") <= WHOLE_NODES


@pytest.mark.parametrize("taken", [0, 3])
async def test_what_a_group_has_not_handled_is_kept_however_far_it_is_behind(context, nothing_kept, taken):
    await fill(context.store)
    await handle(context.store, "recorders")
    await handle(context.store, "behind", taken, handled=0)
    assert await TrimEvents().run(context) == "0 entries went"
    await context.store.redis.xgroup_destroy("events", "behind")
    await TrimEvents().run(context)
    assert await context.store.redis.xlen("events") <= WHOLE_NODES


async def test_what_a_group_has_handled_goes_up_to_the_first_that_it_has_not(context, nothing_kept):
    await fill(context.store)
    await handle(context.store, "behind", taken=700, handled=500)
    await TrimEvents().run(context)
    left = [int(fields[b"id"]) for _, fields in await context.store.redis.xrange("events")]
    assert left[-500:] == list(range(501, 1001))
    assert len(left) <= 500 + WHOLE_NODES


async def test_a_log_that_no_group_reads_or_that_is_not_there_is_left_alone(context, nothing_kept):
    assert await TrimEvents().run(context) == "0 entries went"
    await fill(context.store)
    assert await TrimEvents().run(context) == "0 entries went"
