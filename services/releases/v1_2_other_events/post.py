"""Posts are told by the new name."""

from __future__ import annotations

from services.platform.store import Script
from services.post import store
from services.releases.release import wrap
from services.releases.v1_2_other_events import FORMER, NAME


def change() -> None:
    wrap(store, "_CREATE", renamed)


def renamed(script: Script) -> Script:
    source = script.source.decode()
    assert FORMER in source
    return Script(source.replace(f"'{FORMER}'", f"'{NAME}'"))
