"""The users' view, live: journeys with the last minute as a strip, faults in force, parts that are down."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from foundation.clock import parse
from foundation.console import spell_duration
from foundation.failure import Failure
from foundation.ledger import Tail
from foundation.state import State
from outages.history import History
from outages.journey_names import NAMES
from outages.model import InjectedFault
from outages.wording import by_id, clock, parameters, record_problem, targets
from testbed.instruments import prober_now

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
    from rich.table import Table
    from rich.text import Text

WIDTH = 80
CELLS = 40
CELL_SECONDS = 1.5
"""A strip of 40 cells is one minute, and fits beside the names in 80 columns."""

NAME_WIDTH = 20
STATE_WIDTH = 14
LEFT_OF_STRIP = NAME_WIDTH + STATE_WIDTH + 2

ASK_EVERY = 0.4
ASK_PARTS_EVERY = 3.0
WATCHED_SECONDS = 3.0
"""Seconds after the last drawing in which somebody is thought to look still."""

STYLES = {"green": "green", "down": "bold red", "slow": "yellow", "unknown": "dim"}
SIGNS = {"green": "▁", "down": "█", "slow": "▄", "unknown": "·"}
"""One sign each, so that the strip can be read without colours."""


class Live:
    """What users feel at this moment. `renderable()` may be called as often as the screen is drawn.

    It reads the ledger. The prober and the runtime are asked in threads, so that drawing never waits
    for them; they end by themselves when nobody draws any more.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._tail = Tail(state.ledger)
        self._history = History()
        self._journeys: dict[str, dict[str, Any]] = {}
        self._record: dict[str, Any] = {}
        self._parts: list[str] = []
        self._asking: list[threading.Thread] = []
        self._drawn = 0.0
        self._reading = threading.Lock()

    # --- what is known ---

    def _keep_asking(self) -> None:
        """See that the threads run. The first time, have an answer of the prober before anything is drawn."""
        first, self._drawn = not self._drawn, time.monotonic()
        if first:
            self._ask_prober()
        if any(thread.is_alive() for thread in self._asking):
            return
        self._asking = [
            threading.Thread(target=self._repeat, args=(ask, every), daemon=True)
            for ask, every in ((self._ask_prober, ASK_EVERY), (self._ask_runtime, ASK_PARTS_EVERY))
        ]
        for thread in self._asking:
            thread.start()

    def close(self) -> None:
        """Nothing is drawn after this, so nobody is asked any more: a site that is taken down must not be."""
        self._drawn = -WATCHED_SECONDS

    def _repeat(self, ask: Callable[[], None], every: float) -> None:
        while time.monotonic() - self._drawn < WATCHED_SECONDS:
            ask()
            time.sleep(every)

    def _ask_prober(self) -> None:
        said = prober_now(self._state)
        self._journeys, self._record = said.get("journeys", {}), said.get("record", {})

    def _ask_runtime(self) -> None:
        from testbed.choice import runtime_of

        with suppress(Failure, OSError, KeyError, ValueError):
            self._parts = [
                f"{part.name} {'paused' if part.paused else 'not ready' if part.running else 'down'}"
                for part in runtime_of(self._state).status()
                if part.paused or not part.ready
            ]

    # --- the picture ---

    def renderable(self) -> RenderableType:
        """The view as it is when it is drawn, at most 80 columns wide.

        What matters most stands above, and what a narrow screen cuts off is the oldest.
        """
        return _Picture(self._lines)

    def _lines(self, width: int) -> list[RenderableType]:
        from rich.text import Text

        self._keep_asking()
        with self._reading:
            for record in self._tail.new():
                self._history.take(record)
            now = time.time()
            cells = max(1, min(CELLS, width - LEFT_OF_STRIP))
            lines = [self._header(now), *self._broken(now), Text("")]
            for line in lines:
                line.truncate(min(width, WIDTH), overflow="ellipsis")
            return [*lines, self._table(now, cells), _axis(cells)]

    def _header(self, now: float) -> Text:
        from rich.text import Text

        states = [self._row(name)["state"] for name in NAMES]
        text = Text("failwhale", style="bold")
        text.append(f"  {clock(now)} UTC", style="dim")
        if self._history.began is not None:
            text.append(f"  up {spell_duration(round(now - self._history.began))}", style="dim")
        for state in ("green", "slow", "down", "unknown"):
            if states.count(state):
                text.append(f"   {states.count(state)} {state}", style=STYLES[state])
        return text

    def _table(self, now: float, cells: int) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
        for width in (NAME_WIDTH, STATE_WIDTH, cells):
            table.add_column(width=width, no_wrap=True)
        for name in NAMES:
            row = self._row(name)
            state = row["state"]
            since = max(0.0, now - parse(row["since"])) if row.get("since") else None
            words = state if state == "green" or since is None else f"{state} {spell_duration(since)}"
            table.add_row(
                Text(name, style="" if state == "green" else STYLES[state]),
                Text(words, style=STYLES[state]),
                self._strip(name, now, cells),
            )
        return table

    def _row(self, journey: str) -> dict[str, Any]:
        return self._journeys.get(journey, {"state": "unknown"})

    def _strip(self, journey: str, now: float, cells: int) -> Text:
        """The latest cells of the last minute, one sign each: the worst that was seen in it."""
        from rich.text import Text

        text = Text()
        for state in strip(self._history, journey, now)[-cells:]:
            text.append(SIGNS[state], style=STYLES[state])
        return text

    def _broken(self, now: float) -> list[Text]:
        from rich.text import Text

        active = [fault for fault in self._history.faults if fault.is_active]
        lines = [_fault_line(faults, now) for faults in by_id(active)]
        if not active:
            lines.append(Text("nothing is broken on purpose", style="dim"))
        if problem := record_problem(self._record):
            lines.append(Text(f"the record  {problem}", style="red"))
        if self._parts:
            lines.append(Text("parts       ", style="red").append(", ".join(self._parts), style="red"))
        lines += [
            Text(f"load        {load.shape}, {load.people} people", style="cyan")
            for load in self._history.loads
            if load.end is None
        ]
        return lines


class _Picture:
    """Drawn for the width of the screen that it is drawn on."""

    def __init__(self, lines: Callable[[int], list[RenderableType]]) -> None:
        self._lines = lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._lines(options.max_width)


def _axis(cells: int) -> Text:
    from rich.text import Text

    oldest = "one minute ago" if cells == CELLS else f"{cells * CELL_SECONDS:.0f} s ago"
    return Text(" " * LEFT_OF_STRIP + oldest.ljust(cells - 3) + "now", style="dim", no_wrap=True)


def _fault_line(faults: list[InjectedFault], now: float) -> Text:
    """One fault on all its targets; what matters most stands first, for the line may be cut."""
    from rich.text import Text

    first = faults[0]
    line = Text("broken now  ", style="magenta").append(first.name, style="bold magenta")
    if first.until is not None:
        line.append(f"  {max(0.0, first.until - now):.0f} s left", style="dim")
    if any(fault.verified is False for fault in faults):
        line.append("  without effect", style="red")
    line.append("  " + targets(faults))
    return line.append(f"  {parameters(first)}", style="dim")


def strip(history: History, journey: str, now: float) -> list[str]:
    """The state of a journey in each cell of the last minute, oldest first."""
    begin = now - CELLS * CELL_SECONDS
    cells = ["green"] * CELLS

    def paint(state: str, start: float, end: float) -> None:
        first = max(0, int((start - begin) / CELL_SECONDS))
        last = min(CELLS - 1, int((end - begin) / CELL_SECONDS))
        for number in range(first, last + 1):
            cells[number] = state

    for kind in ("slow", "down"):
        for outage in history.outages:
            if (outage.journey, outage.kind) == (journey, kind) and outage.start <= now:
                paint(kind, outage.start, now if outage.end is None else outage.end)
        for name, seen, start in history.seen_bad:
            if (name, seen) == (journey, kind) and start >= begin:
                paint(kind, start, start)
    for gap in history.gaps:
        if gap.end > gap.start:
            paint("unknown", gap.start, gap.end)
    if history.began is None or history.began > begin:
        paint("unknown", begin, now if history.began is None else history.began)
    if history.ended is not None:
        paint("unknown", history.ended, now)
    return cells
