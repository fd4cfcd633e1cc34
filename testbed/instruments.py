"""Where to reach the instruments of a running site, as site.json says."""

from __future__ import annotations

import http.client
import json
from typing import Any, Literal, NotRequired, TypedDict

from foundation.failure import Failure
from foundation.state import State
from testbed.control import operators_tls
from testbed.sitefile import SiteFile

SECONDS = 2.0


def address_of(state: State, part: str) -> str | None:
    """host:port of a part's main listener; None without such a part. Raises Failure without a site."""
    for row in SiteFile.read(state).parts:
        if row.name == part:
            return row.addresses.get(row.main) if row.main else next(iter(row.addresses.values()), None)
    return None


class JourneyRow(TypedDict):
    """How a journey of the users goes. `unknown` is no data; where what it needs of another journey fails,
    `no_data` says why: that journey's name, and what was seen."""

    state: Literal["green", "down", "slow", "unknown"]
    since: str
    attempts: int
    failed: int
    last_error: str | None
    no_data: NotRequired[str]


def journeys_now(state: State) -> dict[str, JourneyRow]:
    """What the prober says of each journey at this moment; empty while it does not answer."""
    return dict(prober_now(state).get("journeys", {}))


def prober_now(state: State) -> dict[str, Any]:
    """What the prober says at this moment; empty while it does not answer.

    `journeys` are as above. `recent` is by journey how the last minute went: attempts a second (`rate`), the
    share of `errors`, `p50` and `p99` in seconds. `record` says whether there is room for it: how many
    records are `waiting` in memory, how many were `dropped`, and the `problem` (None: there is none).
    `undecided` is by journey when the oldest attempt began of which nobody knows yet whether it fails.
    """
    try:
        address = address_of(state, "prober")
        if address is None:
            return {}
        host, _, port = address.rpartition(":")
        tls = operators_tls(state)
        connection = http.client.HTTPSConnection(host, int(port), timeout=SECONDS, context=tls)
        try:
            connection.request("GET", "/journeys")
            answer = connection.getresponse()
            return dict(json.loads(answer.read())) if answer.status == 200 else {}
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError, KeyError, Failure):
        return {}
