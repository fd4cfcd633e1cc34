"""How an incident is told while it is played: lines in a pipe, the users' view beneath them on a terminal."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from foundation.console import spell_duration, stdout
from foundation.state import State
from incidents.telling import event, lines_of_result

if TYPE_CHECKING:
    from incidents.incident import Incident
    from incidents.observer import Tell
    from incidents.result import Result

SHARE = 0.4
"""Of the screen's height for how the journeys go; the steps stand above."""
STYLES = {"hurt": "red", "alert": "magenta", "sign": "yellow", "doubt": "yellow", "well": "green"}


class RunView:
    """Of one run after the other."""

    def __init__(self, state: State, ndjson: bool, quiet: bool) -> None:
        self._state = state
        self._ndjson = ndjson
        self._quiet = quiet
        self._console = stdout()
        self._turn = threading.Lock()
        self._next = ""
        """What is pinned between the steps and the journeys."""

    @contextmanager
    def of(self, incident: Incident) -> Iterator[Tell]:
        """While one run lasts; what it yields may be called by several threads."""
        began = time.monotonic()

        def tell(kind: str, words: str) -> None:
            with self._turn:
                self._tell(incident.id, kind, words, time.monotonic() - began)

        with self._users():
            yield tell

    def told(self, result: Result) -> None:
        """Its end."""
        if self._quiet or self._ndjson:
            return
        for line in lines_of_result(result):
            self._console.print(line)
        self._console.print()

    def _tell(self, incident: str, kind: str, words: str, after: float) -> None:
        if self._ndjson:
            print(json.dumps({"incident": incident, **event(kind, words)}), flush=True)
        elif not self._quiet and kind == "story":
            self._console.print(words, style="bold", markup=False)
        elif kind == "next" and self._console.is_terminal:
            self._next = words
        elif not self._quiet and kind != "verdict":
            line = f"  {spell_duration(round(after, 1)):>6}  {kind}: {words}"
            self._console.print(line, style=STYLES.get(kind, "dim"), markup=False)

    @contextmanager
    def _users(self) -> Iterator[None]:
        """On a terminal, as long as the block lasts: what comes next and how the journeys go."""
        from rich.console import Group
        from rich.live import Live as Screen
        from rich.text import Text

        from outages.watch import Live

        if self._ndjson or self._quiet or not self._console.is_terminal:
            yield
            return
        view = Live(self._state, SHARE)
        self._next = ""

        def drawn() -> Group:
            what = Text(f"next: {self._next}" if self._next else "", style="cyan", no_wrap=True)
            return Group(Text(""), what, view.renderable())

        with (
            closing(view),
            Screen(get_renderable=drawn, console=self._console, refresh_per_second=5, transient=True),
        ):
            yield
