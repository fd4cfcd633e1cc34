"""A Lua script, known to servers by the hash of its source."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from services.platform.store.connection import Argument, Command, Refusal, StoreConnection


class Script:
    """A Lua script that runs as one transaction. Make it once, at import; it belongs to no connection.

    The store is not a Redis cluster, so a script may touch keys that it builds itself.
    """

    def __init__(self, source: str) -> None:
        self.source = source.encode()
        self.sha = hashlib.sha1(self.source, usedforsecurity=False).hexdigest().encode()

    def reading(
        self, connection: StoreConnection, keys: Sequence[Argument], args: Sequence[Argument]
    ) -> Command:
        """The command that runs it where nothing may be written, a replica included."""
        if self._known_to(connection):
            return (b"EVALSHA_RO", self.sha, len(keys), *keys, *args)
        return (b"EVAL_RO", self.source, len(keys), *keys, *args)

    def writing(
        self, connection: StoreConnection, keys: Sequence[Argument], args: Sequence[Argument]
    ) -> Command:
        """The command that runs it on the primary."""
        if self._known_to(connection):
            return (b"EVALSHA", self.sha, len(keys), *keys, *args)
        return (b"EVAL", self.source, len(keys), *keys, *args)

    def _known_to(self, connection: StoreConnection) -> bool:
        """Whether the source went over this connection before; from now on it has."""
        if self.sha in connection.scripts:
            return True
        connection.scripts.add(self.sha)
        return False


def learn_from(refusal: Refusal, connection: StoreConnection, script: Script | None) -> None:
    """Do what makes another attempt go better."""
    if refusal.code == "NOSCRIPT" and script is not None:
        connection.scripts.discard(script.sha)  # servers may forget scripts: send the source again
    elif refusal.code == "READONLY":
        connection.close("it is no primary any more")
