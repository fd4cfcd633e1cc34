"""Writing site.json: what the site is and who supervises it."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import asdict
from typing import Any

from foundation.state import State
from testbed.runtimes.processes.identity import Process


def write(state: State, content: dict[str, Any]) -> None:
    """Replace it in one step: a reader sees the old site or the new one."""
    state.path.mkdir(parents=True, exist_ok=True)
    fresh = state.site_file.with_suffix(f".json.{os.getpid()}.{threading.get_ident()}")
    fresh.write_text(json.dumps(content, indent=1) + "\n")
    fresh.replace(state.site_file)


def set_supervisor(state: State, process: Process | None) -> None:
    """Note who supervises the site; None when it is down."""
    write(state, {**state.site(), "supervisor": asdict(process) if process else None})


def supervisor(state: State) -> Process | None:
    """The process that supervises, or last supervised, the site; None when it is down."""
    row = state.site()["supervisor"]
    return Process(**row) if row else None
