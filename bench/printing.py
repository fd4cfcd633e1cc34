"""How measurements are printed."""

from __future__ import annotations

from rich.measure import Measurement
from rich.table import Table

from foundation.console import stdout

ANY_WIDTH = 10_000


def print_whole(table: Table) -> None:
    """A table on stdout with nothing cut to fit the terminal: a number without its end is another number."""
    console = stdout()
    widest = Measurement.get(console, console.options.update(max_width=ANY_WIDTH), table).maximum
    console.width = max(console.width, widest)
    console.print(table)
