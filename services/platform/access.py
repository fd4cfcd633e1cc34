"""Who may do what at the store: the users of Redis and of Sentinel, each with the least that it needs.

Nobody who has no password may do more than ask whether a server is alive, which is what health checks do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

SERVICE = "service"
"""What serves people: reads and writes data, and may neither configure nor stop a server."""

MAINTENANCE = "maintenance"
"""Who keeps it well: as a service, and what backups and the re-attaching of a replica need."""

CHAOS = "chaos"
"""Who breaks and mends it: everything."""

REPLICATION = "replication"
"""A store that follows the other one, and asks the sentinels whom to follow."""

SENTINEL = "sentinel"
"""A sentinel at the stores that it watches, and at the other sentinels."""

FILE = "store"
"""Where a part finds its password, below its secrets."""

_ANYBODY = "user default on nopass resetkeys resetchannels -@all +ping"

_SERVES = (
    "~* &* -@all +@read +@write +@pubsub +@connection +@transaction"
    " +eval +evalsha +eval_ro +evalsha_ro +wait -@admin -@dangerous +role +sort +sort_ro +time"
)
_ASKS_SENTINELS = (
    "resetkeys &* -@all +@connection -@admin -@dangerous +role +subscribe +unsubscribe"
    " +sentinel|master +sentinel|replicas"
)

AT_STORES: Mapping[str, str] = {
    SERVICE: _SERVES,
    MAINTENANCE: f"{_SERVES} +info +psync +replconf +replicaof",
    CHAOS: "~* &* +@all",
    REPLICATION: "resetkeys resetchannels -@all +ping +psync +replconf",
    SENTINEL: (
        "resetkeys &* -@all +ping +info +role +multi +exec +slaveof +replicaof +subscribe +publish"
        " +config|rewrite +client|setname +client|kill +script|kill"
    ),
}
AT_SENTINELS: Mapping[str, str] = {
    SERVICE: _ASKS_SENTINELS,
    MAINTENANCE: _ASKS_SENTINELS,
    CHAOS: "~* &* +@all",
    REPLICATION: "resetkeys resetchannels -@all +ping +sentinel|master",
    SENTINEL: (
        "resetkeys &* -@all +ping +publish +client|setname +sentinel|is-master-down-by-addr +sentinel|debug"
    ),
}


class Access(NamedTuple):
    """A user of the store, and its password."""

    user: str
    password: str


def service_access(secrets: Path) -> Access:
    """What a service shows at the store. Raises OSError when there is no password below its secrets."""
    return Access(SERVICE, (secrets / FILE).read_text().strip())


def maintenance_access(folder: Path) -> Access:
    """What maintenance shows at the store. Raises OSError when there is no password in its folder."""
    return Access(MAINTENANCE, (folder / FILE).read_text().strip())


def users(rules: Mapping[str, str], passwords: Mapping[str, str]) -> list[str]:
    """The lines of a configuration that make these users, and nobody else. Passwords are not in them."""
    lines = [
        f"user {user} on #{hashlib.sha256(passwords[user].encode()).hexdigest()} {rule}"
        for user, rule in rules.items()
    ]
    return [_ANYBODY, *lines]
