"""How a post is stored, and how it is served.

The stored body is the JSON as it is served, without the counters (they change) and the closing brace.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.platform.json_text import compact_json
from services.platform.lua import fragment

SERVED = fragment("services.post", "served")


def head(identifier: int, author: int, name: str, text: str, created: str) -> str:
    """The stored body up to the mentions, which the store adds because it knows which handles exist."""
    fields = {
        "id": str(identifier),
        "author": {"id": str(author), "name": name},
        "text": text,
        "created": created,
    }
    return compact_json(fields)[:-1]


def body(head_of_body: str, mentions: Sequence[str]) -> str:
    """The stored body of a post whose mentions are known."""
    return f'{head_of_body},"mentions":{compact_json(mentions)}'
