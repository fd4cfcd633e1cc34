"""JSON as text: scripts in the store put such pieces together, and what comes out is served as it is."""

from __future__ import annotations

import json


def compact_json(value: object) -> str:
    """JSON as it is sent: no blanks, UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
