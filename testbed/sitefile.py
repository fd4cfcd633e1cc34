"""Writing site.json, whatever runs the site."""

from __future__ import annotations

import json
import os
import threading
from typing import Any

from foundation.state import State


def write(state: State, content: dict[str, Any]) -> None:
    """Replace it in one step: a reader sees the old site or the new one."""
    state.path.mkdir(parents=True, exist_ok=True)
    fresh = state.site_file.with_suffix(f".json.{os.getpid()}.{threading.get_ident()}")
    fresh.write_text(json.dumps(content, indent=1) + "\n")
    fresh.replace(state.site_file)
