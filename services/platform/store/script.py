"""A Lua script, known to servers by the hash of its source."""

from __future__ import annotations

import hashlib


class Script:
    """A Lua script that runs as one transaction. Make it once, at import; it belongs to no connection.

    A script that reads only is run with EVALSHA_RO and may run on a replica; it must not write. The store is not
    a Redis cluster, so a script may touch keys that it builds itself.
    """

    def __init__(self, source: str) -> None:
        self.source = source.encode()
        self.sha = hashlib.sha1(self.source, usedforsecurity=False).hexdigest().encode()
