"""The timeline of a run as inline SVG: loads and faults above, one row for each journey below."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

from foundation.console import spell_duration
from outages.history import History
from outages.journey_names import NAMES
from outages.model import Felt, InjectedFault, LoadRun, Unmeasured
from outages.wording import by_id, causes, clock, error, parameters, targets
from testbed.error_words import Names, spell_no_data

WIDTH = 1120.0
LABELS = 150.0
RIGHT = 14.0
ROW = 24.0
LANE = 22.0
BAR = 14.0
TOP = 30.0
LETTER = 6.4
"""About the width of a letter of the fault names, to know whether one fits."""

LONGEST_NAME = 50
"""Letters."""

THINNEST = 3.0
"""Pixels that a bar has at least: a short outage in a long run is still seen."""

STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
MOST_TICKS = 12


@dataclass(frozen=True)
class Scale:
    """Unix seconds to pixels."""

    start: float
    end: float

    def x(self, moment: float) -> float:
        inside = min(max(moment, self.start), self.end)
        return LABELS + (inside - self.start) / (self.end - self.start) * (WIDTH - LABELS - RIGHT)

    def span(self, start: float, end: float) -> tuple[float, float]:
        """Left edge and width of a bar."""
        left, right = self.x(start), self.x(end)
        wide = max(right - left, THINNEST)
        return min(left, WIDTH - RIGHT - wide), wide


@dataclass(frozen=True)
class Bar:
    """Something that lasted, with its name and what is shown when one points at it."""

    start: float
    end: float
    name: str
    title: str
    css: str


def timeline(history: History, names: Names) -> str:
    """The drawing; a sentence when nothing was recorded."""
    if history.began is None:
        return "<p class='calm'>Nothing to draw: the prober has not run.</p>"
    now = history.now()
    scale = Scale(history.began, max(now, history.began + 1.0))
    loads = _lanes([_load_bar(load, now) for load in history.loads], scale)
    applied = [fault for fault in history.faults if fault.applied is not None]
    bars = [_fault_bar(parts, now) for parts in by_id(applied)]
    faults = _lanes(bars, scale)
    above = TOP + LANE * (len(loads) + len(faults)) + (8 if loads or faults else 0)
    height = above + ROW * len(NAMES) + 6
    parts = [
        f"<svg viewBox='0 0 {WIDTH:g} {height:g}' role='img' aria-label='Timeline of outages and faults'>",
        _pattern(),
        _axis(scale, height),
        _shadows(bars, scale, above, height),
    ]
    top = TOP
    for heading, lanes in (("load", loads), ("faults", faults)):
        for number, lane in enumerate(lanes):
            if not number:
                parts.append(_label(heading, top + LANE / 2, "heading"))
            parts += [_named_bar(bar, scale, top) for bar in lane]
            top += LANE
    for number, journey in enumerate(NAMES):
        parts.append(_journey(journey, history, names, scale, above + ROW * number))
    parts += [_gap(gap.start, gap.end, gap.why, scale, above, height) for gap in history.gaps]
    return "".join([*parts, "</svg>"])


def _axis(scale: Scale, height: float) -> str:
    """Ticks at round times since the beginning."""
    length = scale.end - scale.start
    step = next((step for step in STEPS if length / step <= MOST_TICKS), STEPS[-1])
    ticks = []
    for number in range(int(length // step) + 1):
        moment = scale.start + number * step
        x = scale.x(moment)
        words = "0" if not number else _since(number * step)
        ticks.append(
            f"<line class='tick' x1='{x:.1f}' x2='{x:.1f}' y1='{TOP - 6:g}' y2='{height:g}'/>"
            f"<text class='tick' x='{x:.1f}' y='{TOP - 12:g}'>{words}"
            f"<title>{clock(moment)} UTC</title></text>"
        )
    return "".join(ticks)


def _since(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d} h" if hours else f"{minutes}:{rest:02d}" if minutes else f"{rest} s"


def _pattern() -> str:
    return (
        "<defs><pattern id='hatch' width='6' height='6' patternUnits='userSpaceOnUse'"
        " patternTransform='rotate(45)'><rect class='hatch' width='2' height='6'/></pattern></defs>"
    )


def _lanes(bars: list[Bar], scale: Scale) -> list[list[Bar]]:
    """Bars in as few lanes as possible without one covering another or its name."""
    lanes: list[list[Bar]] = []
    ends: list[float] = []
    for bar in sorted(bars, key=lambda bar: bar.start):
        left, end = _extent(bar, scale)
        free = next((number for number, taken in enumerate(ends) if taken <= left), len(ends))
        if free == len(ends):
            lanes.append([])
            ends.append(0.0)
        lanes[free].append(bar)
        ends[free] = end + 6
    return lanes


def _extent(bar: Bar, scale: Scale) -> tuple[float, float]:
    """Where a bar and its name begin and end."""
    left, wide = scale.span(bar.start, bar.end)
    if _fits(bar, wide):
        return left, left + wide
    if _stands_before(bar, left + wide):
        return left - _name_width(bar), left + wide
    return left, left + wide + _name_width(bar)


def _stands_before(bar: Bar, right: float) -> bool:
    """Whether there is no room for the name behind a bar that ends here."""
    return right + 5 + _name_width(bar) > WIDTH


def _name_width(bar: Bar) -> float:
    return len(bar.name) * LETTER + 8


def _fits(bar: Bar, wide: float) -> bool:
    return _name_width(bar) <= wide


def _named_bar(bar: Bar, scale: Scale, top: float) -> str:
    """A bar with its name inside, or beside it where it is too short: to the left at the right edge."""
    left, wide = scale.span(bar.start, bar.end)
    x, css = left + 6, "inside"
    if not _fits(bar, wide):
        x, css = left + wide + 5, "beside"
        if _stands_before(bar, left + wide):
            x, css = left - 5, "beside before"
    y = top + (LANE - BAR - 4) / 2
    return (
        f"<g class='{bar.css}'>"
        f"<rect x='{left:.1f}' y='{y:.1f}' width='{wide:.1f}' height='{BAR + 4:g}' rx='4'/>"
        f"<text class='{css}' x='{x:.1f}' y='{top + LANE / 2:.1f}'>{escape(bar.name)}</text>"
        f"<title>{escape(bar.title)}</title></g>"
    )


def _fault_bar(faults: list[InjectedFault], now: float) -> Bar:
    """One bar for one fault, on however many parts."""
    first = faults[0]
    start = min(fault.applied or fault.requested for fault in faults)
    end = max(now if fault.end is None else fault.end for fault in faults)
    lasted = "end unknown" if any(fault.unknown for fault in faults) else spell_duration(end - start)
    name, how = f"{first.name} {targets(faults)}", parameters(first)
    title = f"{name} ({first.id})\n{clock(start)} UTC, {lasted}" + (f"\n{how}" if how else "")
    return Bar(start, end, _shortened(name), title, "fault")


def _shortened(name: str) -> str:
    """A name of parts that are many would stand beside its bar and out of the drawing; its title has all."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1].rstrip(', ')}…"


def _load_bar(load: LoadRun, now: float) -> Bar:
    end = now if load.end is None else load.end
    counts = "".join(f"\n{key}: {value:,}" for key, value in load.counts.items() if isinstance(value, int))
    title = f"load {load.shape}\n{load.people:,} people, {load.rate:g} requests per second{counts}"
    return Bar(load.start, end, f"{load.shape}, {load.people:,} people", title, "load")


def _shadows(bars: Iterable[Bar], scale: Scale, top: float, height: float) -> str:
    """Faults fall through all journeys as a light band, so that the eye joins cause and effect."""
    bands = []
    for bar in bars:
        left, wide = scale.span(bar.start, bar.end)
        bands.append(
            f"<rect class='shadow' x='{left:.1f}' y='{top:g}' width='{wide:.1f}' height='{height - top:g}'/>"
        )
    return "".join(bands)


def _journey(journey: str, history: History, names: Names, scale: Scale, top: float) -> str:
    middle, now = top + ROW / 2, history.now()
    right = scale.x(now)
    rail = f"<line class='rail' x1='{LABELS:g}' x2='{right:.1f}' y1='{middle:g}' y2='{middle:g}'/>"
    felt = [outage for outage in history.outages if outage.journey == journey]
    felt.sort(key=lambda outage: outage.kind, reverse=True)  # slow first: down is drawn over it
    css = "hurt" if felt else ""
    blind = [row for row in history.unmeasured if row.journey == journey]
    gaps = "".join(_unmeasured(row, names, scale, middle, now) for row in blind)
    bars = "".join(_outage(outage, names, scale, middle, now) for outage in felt)
    return _label(journey, middle, css) + rail + gaps + bars


def _unmeasured(row: Unmeasured, names: Names, scale: Scale, middle: float, now: float) -> str:
    """A time in which the journey could not be tried, hatched on its own row."""
    end = now if row.end is None else row.end
    left, wide = scale.span(row.start, end)
    title = escape(
        f"{row.journey}: no data for {spell_duration(end - row.start)}\n{spell_no_data(row.why, names)}"
    )
    return (
        f"<rect class='blind' x='{left:.1f}' y='{middle - BAR / 2:.1f}' width='{wide:.1f}' height='{BAR:g}'"
        f" fill='url(#hatch)'><title>{title}</title></rect>"
    )


def _outage(outage: Felt, names: Names, scale: Scale, middle: float, now: float) -> str:
    left, wide = scale.span(outage.start, now if outage.end is None else outage.end)
    lines = [
        f"{outage.journey} {outage.kind} for {spell_duration(outage.duration(now))}",
        f"from {clock(outage.start)} UTC, {outage.failed} of {outage.attempts} attempts",
        error([outage], names),
        f"cause: {causes(outage) or 'no known fault'}",
    ]
    title = escape("\n".join(line for line in lines if line))
    return (
        f"<rect class='{outage.kind}' x='{left:.1f}' y='{middle - BAR / 2:.1f}' width='{wide:.1f}'"
        f" height='{BAR:g}' rx='3'><title>{title}</title></rect>"
    )


def _gap(start: float, end: float, why: str, scale: Scale, top: float, height: float) -> str:
    left, wide = scale.span(start, end)
    title = f"{why}: no data for {spell_duration(end - start)}" if end > start else why
    return (
        f"<rect class='gap' x='{left:.1f}' y='{top:g}' width='{wide:.1f}' height='{height - top:g}'"
        f" fill='url(#hatch)'><title>{escape(title)}</title></rect>"
    )


def _label(words: str, y: float, css: str) -> str:
    return f"<text class='label {css}' x='{LABELS - 12:g}' y='{y:.1f}'>{escape(words)}</text>"
