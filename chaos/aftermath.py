"""What is still not well when a fault is over: the last word of its command is about users and the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from testbed.error_words import Names, names_of, spell_error, spell_no_data
from testbed.site import Site

WELL_LIMIT = 10.0
"""Seconds for users to be well again once a fault is over; as a rule it takes them less than one."""
_POLL = 0.1

Journeys = Mapping[str, Mapping[str, Any]]
"""How users fare by the prober's word, by journey; empty when it does not answer."""


def wait_well(
    site: Site,
    look: Callable[[], Journeys],
    hurts: Collection[str],
    seconds: float = WELL_LIMIT,
    *,
    store: bool,
    note: Callable[[str], None] = lambda line: None,
) -> list[str]:
    """Wait until all is well again, for so many seconds at most; returns what is not, a few words each.

    `hurts` are the journeys that `look` must show green, by an attempt that was made since; with `store`
    there must also be one primary that takes writes and a replica that has what it wrote. `note` gets what is
    waited for. Where no prober answers, nothing can be said about users, and so nothing is.
    """
    end = time.monotonic() + seconds
    before = look() if hurts else {}
    names = names_of(site.inventory.parts)
    while True:
        now = look() if hurts else {}
        wrong = [*_not_green(now, hurts, names), *(_wrong_with_store(site) if store else ())]
        late = time.monotonic() >= end
        if late or (not wrong and _all_tried_since(before, now, hurts)):
            return wrong
        note(f"waiting until all is well: {wrong[0] if wrong else 'users try again'}")
        time.sleep(_POLL)


def _not_green(now: Journeys, hurts: Collection[str], names: Names) -> list[str]:
    """What cannot be measured is not waited for while the journey that it needs is broken: that one is named
    if it is one of `hurts`, and is not the matter of who asks if it is another."""
    rows = {name: now[name] for name in sorted(hurts) if name in now and now[name]["state"] != "green"}
    return [_spell(name, row, names) for name, row in rows.items() if not _waits_for_another(row, now)]


def _waits_for_another(row: Mapping[str, Any], now: Journeys) -> bool:
    needed = str(row.get("no_data", "")).partition(":")[0]
    return needed in now and now[needed]["state"] in ("down", "slow")


def _spell(name: str, row: Mapping[str, Any], names: Names) -> str:
    """The state of a journey, and for one that is down what its users see."""
    if row["state"] == "unknown":
        why = spell_no_data(row.get("no_data") or "", names)
        return f"{name} has no data{f': {why}' if why else ''}"
    why = spell_error(row.get("last_error") or "", names) if row["state"] == "down" else ""
    return f"{name} is {row['state']}{f': {why}' if why else ''}"


def _all_tried_since(before: Journeys, now: Journeys, hurts: Collection[str]) -> bool:
    return all(
        now[name]["attempts"] != before[name]["attempts"] for name in hurts if name in now and name in before
    )


def _wrong_with_store(site: Site) -> list[str]:
    wrong = [f"{part.name} is not ready" for part in site.stores if not site.ready(part)]
    return wrong or [f"{part.name} does not follow the primary" for part in site.stores if site.lags(part)]
