"""The users' view, live: journeys in numbers and as a strip, faults in force, what happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from foundation.clock import parse
from foundation.console import spell_duration
from foundation.ledger import Tail
from foundation.state import State
from outages.history import History
from outages.journey_names import NAMES
from outages.model import Felt, InjectedFault
from outages.sources import Sources
from outages.wording import by_id, clock, parameters, record_problem, spell_change, spell_operation, targets
from testbed.error_words import Names, spell_error, spell_no_data

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
    from rich.table import Table
    from rich.text import Text

CELLS = 40
CELL_SECONDS = 1.5
"""A strip of 40 cells is one minute."""
LEAST_CELLS = 16
"""Where no more are left beside the numbers, these give way."""

NAME_WIDTH = 20
STATE_WIDTH = 14
NUMBERS = {"per s": 5, "errors": 6, "p50": 6, "p99": 6}
LEAST_WHY = 24
"""Columns beside the strip in which it can be said what users see."""

WORST_FIRST = ("down", "slow", "unknown", "green")
STYLES = {"green": "green", "down": "bold red", "slow": "yellow", "unknown": "dim"}
SIGNS = {"green": "▁", "down": "█", "slow": "▄", "unknown": "·"}
"""One sign each, so that the strip can be read without colours."""
WORDS = {"unknown": "no data"}

MOST_EVENTS = 20
LOOKED_AT = 60
"""The latest outages and faults among which the latest events are."""


class Live:
    """What users feel at this moment. `renderable()` may be called as often as the screen is drawn. It takes
    `share` of the screen's height at most, and leaves out journeys that are well where not all have room."""

    def __init__(self, state: State, share: float = 1.0) -> None:
        self._share = share
        self._tail = Tail(state.ledger)
        self._history = History()
        self._sources = Sources(state)
        self._reading = threading.Lock()

    def ask(self) -> None:
        """Have every answer before it is drawn, for who draws it once."""
        self._sources.ask()

    def close(self) -> None:
        """Nothing is drawn after this."""
        self._sources.close()

    def renderable(self) -> RenderableType:
        """The view as it is when it is drawn, as wide and as high as the screen.

        What matters most stands above, and what a narrow screen cuts off is the oldest.
        """
        return _Picture(self._lines)

    def _lines(self, width: int, height: int) -> list[RenderableType]:
        from rich.text import Text

        self._sources.keep_asking()
        with self._reading:
            for record in self._tail.new():
                self._history.take(record)
            now = time.time()
            above = [self._header(now), *self._broken(now), *self._monitoring()]
            free = int(height * self._share) - len(above) - len(("heads",))
            columns = _Columns(width)
            beside = free - len(NAMES) - len(("blank", "axis"))
            lines = above if beside < 0 else [*above, *self._events(min(beside, MOST_EVENTS)), Text("")]
            for line in lines:
                line.truncate(width, overflow="ellipsis")
            table = self._table(now, columns, max(1, free))
            return [*lines, table, *([] if beside < 0 else [_axis(columns)])]

    # --- above ---

    def _header(self, now: float) -> Text:
        from rich.text import Text

        states = [self._row(name)["state"] for name in NAMES]
        text = Text("failwhale", style="bold")
        text.append(f"  {clock(now)} UTC", style="dim")
        if self._history.began is not None:
            text.append(f"  up {spell_duration(round(now - self._history.began))}", style="dim")
        for state in reversed(WORST_FIRST):
            if states.count(state):
                text.append(f"   {states.count(state)} {WORDS.get(state, state)}", style=STYLES[state])
        if (silent := self._silent_since()) is not None:
            age = spell_duration(round(max(0.0, now - silent)))
            text.append(f"   for {age}: the prober does not answer", style="red")
        if self._sources.blocked:
            text.append("   blocked", style="bold magenta")
        return text

    def _broken(self, now: float) -> list[Text]:
        from rich.text import Text

        if self._sources.is_down:
            return [Text("the site is not up any more; start it: failwhale up", style="bold red")]
        active = [fault for fault in self._history.faults if fault.is_active]
        lines = [_fault_line(faults, now) for faults in by_id(active)]
        if not active:
            lines.append(Text("nothing is broken on purpose", style="dim"))
        if problem := record_problem(self._sources.record):
            lines.append(Text(f"the record  {problem}", style="red"))
        if self._sources.parts:
            lines.append(Text(f"parts       {', '.join(self._sources.parts)}", style="red"))
        lines += [
            Text(f"load        {load.shape}, {load.people} people", style="cyan")
            for load in self._history.loads
            if load.end is None
        ]
        return lines

    def _monitoring(self) -> list[Text]:
        """What Prometheus says, if it answers."""
        from rich.text import Text

        lines = []
        if requests := self._sources.requests:
            said = ", ".join(f"{rate:.1f} at {place}" for place, rate in sorted(requests.items()))
            lines.append(Text(f"requests/s  {said}", style="dim"))
        if alerts := self._sources.alerts:
            lines.append(Text(f"alerts      {'; '.join(alerts)}", style="red"))
        return lines

    def _events(self, most: int) -> list[Text]:
        """What happened last, the latest first."""
        from rich.text import Text

        found = [(at, f"{store} is the primary now", "cyan") for at, store in self._sources.promotions]
        for faults in by_id(self._history.faults[-LOOKED_AT:]):
            title = f"{faults[0].name} {targets(faults)}"
            found += [(at, f"{title} begins", "magenta") for at in _last(fault.applied for fault in faults)]
            found += [(at, f"{title} is over", "magenta") for at in _last(fault.end for fault in faults)]
        found += [
            (change.at, spell_change(change), "cyan") for change in self._history.reconfigured[-LOOKED_AT:]
        ]
        found += [(one.at, spell_operation(one), "cyan") for one in self._history.operations[-LOOKED_AT:]]
        for page in self._history.pages[-LOOKED_AT:]:
            about = f"{page.alert} {page.journey}".rstrip()
            found.append((page.at, f"page: {about}", "red"))
            if page.acknowledged is not None:
                said = f"page acknowledged by {page.acknowledged_by}: {about}"
                found.append((page.acknowledged, said, "cyan"))
        found += _turns(self._history.outages[-LOOKED_AT:], self._sources.names)
        latest = sorted(found, key=lambda event: event[0], reverse=True)[: max(0, most)]
        return [Text(f"{clock(at)}  ", style="dim").append(said, style=style) for at, said, style in latest]

    # --- journeys ---

    def _table(self, now: float, columns: _Columns, most: int) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim", show_header=True)
        table.add_column("journey", width=NAME_WIDTH, no_wrap=True)
        table.add_column("", width=STATE_WIDTH, no_wrap=True)
        for head, wide in NUMBERS.items() if columns.numbers else ():
            table.add_column(head, width=wide, no_wrap=True, justify="right")
        table.add_column("", width=columns.cells, no_wrap=True)
        if columns.why:
            table.add_column("", width=columns.why, no_wrap=True, overflow="ellipsis")
        rank = {name: WORST_FIRST.index(self._row(name)["state"]) for name in NAMES}
        for name in sorted(NAMES, key=rank.__getitem__)[:most]:
            row = self._row(name)
            state = row["state"]
            since = max(0.0, now - parse(row["since"])) if row.get("since") else None
            word = WORDS.get(state, state)
            words = word if state == "green" or since is None else f"{word} {spell_duration(since)}"
            table.add_row(
                Text(name, style="" if state == "green" else STYLES[state]),
                Text(words, style=STYLES[state]),
                *(_numbers(self._sources.recent.get(name, {})) if columns.numbers else ()),
                self._strip(name, now, columns.cells),
                *([Text(self._why(row), style="dim")] if columns.why else ()),
            )
        return table

    def _silent_since(self) -> float | None:
        """Since when a prober that ought to look says nothing, and what was seen last is no news."""
        silent = not self._sources.journeys and self._history.ended is None
        return self._history.last_sign if silent else None

    def _row(self, journey: str) -> dict[str, Any]:
        return self._sources.journeys.get(journey, {"state": "unknown"})

    def _why(self, row: dict[str, Any]) -> str:
        """What users of a journey see that is not well."""
        if row["state"] == "unknown":
            return spell_no_data(row.get("no_data") or "", self._sources.names)
        return spell_error(row.get("last_error") or "", self._sources.names) if row["state"] == "down" else ""

    def _strip(self, journey: str, now: float, cells: int) -> Text:
        """The latest cells, one sign each: the worst that was seen in it."""
        from rich.text import Text

        text = Text()
        for state in strip(self._history, journey, now, self._silent_since())[-cells:]:
            text.append(SIGNS[state], style=STYLES[state])
        return text


class _Columns:
    """What there is room for in a width: the strip first, the numbers, and what users see."""

    def __init__(self, width: int) -> None:
        beside = NAME_WIDTH + STATE_WIDTH + 2
        numbers = sum(NUMBERS.values()) + len(NUMBERS)
        self.numbers = width - beside - numbers >= LEAST_CELLS
        self.before = beside + (numbers if self.numbers else 0)
        self.cells = max(1, min(CELLS, width - self.before))
        left = width - self.before - self.cells - 1
        self.why = left if left >= LEAST_WHY else 0


class _Picture:
    """Drawn for the size of the screen that it is drawn on."""

    def __init__(self, lines: Callable[[int, int], list[RenderableType]]) -> None:
        self._lines = lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._lines(options.max_width, options.size.height)


def _turns(outages: Iterable[Felt], names: Names) -> list[tuple[float, str, str]]:
    """When journeys went down or slow, and well again; those that did in one second are one event."""
    together: dict[tuple[str, str, str], list[tuple[float, str]]] = {}
    for outage in outages:
        words = spell_error(outage.error, names)
        turn = f"{outage.kind}{f': {words}' if words else ''}"
        style = "red" if outage.kind == "down" else "yellow"
        together.setdefault((clock(outage.start), turn, style), []).append((outage.start, outage.journey))
        if outage.end is not None:
            end = (clock(outage.end), "well again", "green")
            together.setdefault(end, []).append((outage.end, outage.journey))
    return [
        (max(at for at, _ in seen), f"{', '.join(dict.fromkeys(name for _, name in seen))} {turn}", style)
        for (_, turn, style), seen in together.items()
    ]


def _last(moments: Iterable[float | None]) -> list[float]:
    """The latest, once all are known."""
    known = list(moments)
    return [max(moment for moment in known if moment is not None)] if None not in known else []


def _numbers(recent: dict[str, Any]) -> list[str]:
    errors, p50, p99 = (recent.get(name) for name in ("errors", "p50", "p99"))
    return [
        f"{recent['rate']:.1f}" if recent else "",
        "" if errors is None else f"{errors:.0%}",
        *("-" if value is None else spell_duration(value) for value in (p50, p99)),
    ]


def _axis(columns: _Columns) -> Text:
    from rich.text import Text

    oldest = "one minute ago" if columns.cells == CELLS else f"{columns.cells * CELL_SECONDS:.0f} s ago"
    return Text(" " * columns.before + oldest.ljust(columns.cells - 3) + "now", style="dim", no_wrap=True)


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


def strip(history: History, journey: str, now: float, silent_since: float | None = None) -> list[str]:
    """The state of a journey in each cell of the last minute, oldest first; from `silent_since` on nobody
    looks."""
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
    for row in history.unmeasured:
        if row.journey == journey:
            paint("unknown", row.start, now if row.end is None else row.end)
    for gap in history.gaps:
        if gap.end > gap.start:
            paint("unknown", gap.start, gap.end)
    if history.began is None or history.began > begin:
        paint("unknown", begin, now if history.began is None else history.began)
    for end in (history.ended, silent_since):
        if end is not None:
            paint("unknown", end, now)
    return cells
