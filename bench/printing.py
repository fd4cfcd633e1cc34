"""How measurements are made from a command line, and printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, TypeVar

from rich.measure import Measurement
from rich.table import Table

from bench.site import BenchError
from foundation.console import stdout
from foundation.failure import FAILED, INTERRUPTED
from foundation.interruption import interruptible

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Measured = TypeVar("Measured", bound="DataclassInstance")

ANY_WIDTH = 10_000


def print_whole(table: Table) -> None:
    """A table on stdout with nothing cut to fit the terminal: a number without its end is another number."""
    console = stdout()
    widest = Measurement.get(console, console.options.update(max_width=ANY_WIDTH), table).maximum
    console.width = max(console.width, widest)
    console.print(table)


def tell(line: str) -> None:
    """A line about how far a long measurement is, beside its result."""
    print(line, file=sys.stderr, flush=True)


def carry_out(
    measure: Callable[[], Measured],
    table: Callable[[Measured], Table],
    *,
    as_json: bool,
    is_good: Callable[[Measured], bool] = lambda measured: True,
) -> int:
    """Measure, and print it as a table or as JSON; returns the command's exit code: 0 when it could be
    measured and is good."""
    try:
        with interruptible():
            measured = measure()
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    if as_json:
        print(json.dumps(asdict(measured), indent=2))
    else:
        print_whole(table(measured))
    return 0 if is_good(measured) else FAILED
