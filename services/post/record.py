"""How a post is stored, who may see it, and how it is served: what all services that show posts share.

The stored body is the JSON as it is served, without the counters (they change) and the closing brace.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.platform.json_text import compact_json
from services.platform.lua import fragment

MAY_SEE = fragment("services.post", "may_see")
SERVED = fragment("services.post", "served")
OWN_TIMELINE = fragment("services.post", "own_timeline")


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
