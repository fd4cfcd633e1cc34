"""Every key in the store, in one place.

Ids are whole numbers, written in decimal. Scores of sorted sets are ids (they carry their time and fit a
double). The store is one primary with replicas, not a Redis cluster, so a script may build keys by itself;
it then uses the same texts as the functions here.
"""

from __future__ import annotations

EVENTS = "events"
"""Stream of everything that happened: fields id, type, actor, json. What a group has not handled is not
trimmed before there are EVENTS_MOST entries."""

EVENTS_KEPT = 200_000
EVENTS_KEPT_DAYS = 1 / 144
"""What all groups have handled is kept for so long, in lab days (ten minutes of a real one), but no more than
so many entries. Maintenance sees to it."""

EVENTS_MOST = 1_000_000
"""So many entries, some 110 MB, are kept for a group that is behind; what it is behind by more is lost."""

EVENTS_DEAD = "events-dead"
"""Stream of events that a group gave up: the same fields, and group, error, entry (its id in `events`)."""

EVENTS_DEAD_KEPT = 1_000

NEWEST_IDS = "newest-ids"
"""Hash: by worker (see services.platform.ids), the greatest id that it put into the event log."""

REPLICATION_BARRIER = "replication-barrier"
"""Written with every batch of writes, so that WAIT covers all that the primary had done by then."""

CELEBRITIES = "celebrities"
"""Set of account ids with so many followers that their posts are merged at read, not fanned out."""

POPULAR = "popular"
"""Sorted set: the account ids with most followers, a hundred of them, scored by their number."""

CONFIGURATION = "configuration"
"""Stream: an entry for each version of the configuration, with the id VERSION-0 and the one field `document`.
So a version can be written once only, and after all that are older."""

CONFIGURATIONS_KEPT = 200
"""Versions that are kept, about."""

REVOKED = "revoked"
"""Sorted set: session id, scored by the Unix second after which the session would have expired anyway.
Also the channel on which a new entry is published (`sid exp`)."""

MAINTENANCE_LEAD = "maintenance-lead"
"""String, short-lived: the part that does the jobs of maintenance."""

BACKUP_MARK = "backup-mark"
"""String, random: written before each backup, which must have it."""

MAINTENANCE_JOBS = "maintenance-jobs"
"""Hash: by job, as JSON, when it was begun and done last and how that went (services.maintenance.history)."""

TIMELINE_KEPT = 800
"""`posts:` and `home:` are trimmed to this many entries (in scripts: services.platform.timeline_entries)."""

NOTIFICATIONS_KEPT = 800

KEY_KEPT_SECONDS = 24 * 60 * 60
DELETED_SECONDS = 600
"""The longest that `idempotency:` and `deleted:` are kept; maintenance removes them sooner where lab days are
shorter."""


def account(identifier: int) -> str:
    """Hash: name, created (RFC 3339), protected (0 or 1)."""
    return f"account:{identifier}"


def handle(name: str) -> str:
    """String: the id of the account with this handle, whatever its case."""
    return f"handle:{name.lower()}"


def credential(identifier: int) -> str:
    """Hash: password (argon2 hash), totp (secret), totp_pending (secret that is not confirmed yet)."""
    return f"credential:{identifier}"


def post(identifier: int) -> str:
    """Hash: body (the served JSON without counters and the closing brace), author, likes, retweets; and of an
    imported one imported-likes and imported-retweets, the part of the counters for which no set stands."""
    return f"post:{identifier}"


def likes(identifier: int) -> str:
    """Set: ids of the accounts that like the post."""
    return f"likes:{identifier}"


def retweets(identifier: int) -> str:
    """Set: ids of the accounts that retweeted the post."""
    return f"retweets:{identifier}"


def idempotency(account: int, key: str) -> str:
    """String, kept 24 h (a minute where the front end made the key up): id of the post that this account's
    Idempotency-Key made, and a hash of its text."""
    return f"idempotency:{account}:{key}"


def deleted(identifier: int) -> str:
    """String, kept ten minutes: the author of a deleted post, so that deleting it may be repeated."""
    return f"deleted:{identifier}"


def posts(account: int) -> str:
    """Sorted set: an account's own timeline. Members as in `home`."""
    return f"posts:{account}"


def home(account: int) -> str:
    """Sorted set: a home timeline. Member `P` (a post) or `P:R` (retweeted by R), scored by the entry id.
    Written by timeline; but its owner's own entries come and go with what they tell of (see
    services.platform.timeline_entries)."""
    return f"home:{account}"


def following(account: int) -> str:
    """Set: ids that the account follows."""
    return f"following:{account}"


def followers(account: int) -> str:
    """Set: ids that follow the account."""
    return f"followers:{account}"


def requests(account: int) -> str:
    """Set: ids that asked to follow this protected account."""
    return f"requests:{account}"


def notifications(account: int) -> str:
    """Sorted set: JSON of a notification, scored by the id of the event that made it."""
    return f"notifications:{account}"


def notifications_read(account: int) -> str:
    """String: id up to which notifications are read."""
    return f"notifications-read:{account}"


def notifications_channel(account: int) -> str:
    """Pub/sub channel: JSON of each new notification of the account, for its live streams."""
    return f"notifications-of:{account}"


def used_code(account: int, step: int) -> str:
    """String, short-lived: this TOTP time step was used, so the same code is not taken twice."""
    return f"used-code:{account}:{step}"


def wrong_codes(account: int) -> str:
    """String, short-lived: how many wrong TOTP codes were tried of late."""
    return f"wrong-codes:{account}"
