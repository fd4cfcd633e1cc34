"""How soon a fault bites: from the request to the controller to the death of a process.

`python -m bench.effect --on docker` measures it there, where nobody can look at the process itself: then it
is the time from when the fault is requested until it is applied, by the record.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median

import psutil
from rich.table import Table

from bench.printing import carry_out
from bench.site import BenchError, Site, order, running_site
from chaos.client import Client
from chaos.fault_rows import is_settled
from chaos.injector import Request, new_id
from foundation.clock import parse
from foundation.state import State

PART = "retweet@east"
TIMES = 9
LOOK_SECONDS = 0.0002
READY_WITHIN = 10.0


@dataclass(frozen=True)
class Effect:
    """The median of several kills, in seconds."""

    runtime: str
    seconds: float


def seconds_to_effect(site: Site) -> float:
    """The median of several kills, in seconds. Raises BenchError when one kills nothing."""
    return median(_kills(site))


def _kills(site: Site) -> Iterator[float]:
    controller = Client(State(site.state))
    with ThreadPoolExecutor(1) as beside:
        for _ in range(TIMES):
            victim = _process(site)
            death = beside.submit(_death_of, victim)
            request = Request("kill", PART, 0.1, id=new_id("kill"))
            began = time.perf_counter()
            controller.order(request)
            yield death.result() - began
            for _now in controller.watch(request.id, is_settled):
                pass


def _process(site: Site) -> psutil.Process:
    """Of the part, as soon as it is ready."""
    end = time.monotonic() + READY_WITHIN
    while time.monotonic() < end:
        (row,) = [row for row in site.parts() if row["name"] == PART]
        if row["ready"]:
            return psutil.Process(row["pid"])
    raise BenchError(f"{PART} is not ready")


def _death_of(process: psutil.Process) -> float:
    """When the process was seen to be dead, by `time.perf_counter()`."""
    end = time.perf_counter() + READY_WITHIN
    while (now := time.perf_counter()) < end:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return now
        except psutil.NoSuchProcess:
            return now
        time.sleep(LOOK_SECONDS)
    raise BenchError(f"{PART} was not killed")


def _seconds_by_the_record(site: Site) -> float:
    """The median of as many kills."""
    return median(_applications(site))


def _applications(site: Site) -> Iterator[float]:
    for _ in range(TIMES):
        row = json.loads(order(site, "chaos", "kill", PART, "--for=100ms", "--json"))
        yield parse(row["times"]["applied"]) - parse(row["times"]["requested"])


def main() -> int:
    """The command; returns its exit code: 0 when it was measured."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(prog="python -m bench.effect", description=__doc__)
    parser.add_argument("--on", choices=("processes", "docker"), default="processes", help="the runtime")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a line")
    given = parser.parse_args()

    def measure() -> Effect:
        with running_site(given.on) as site:
            measured = _seconds_by_the_record if given.on == "docker" else seconds_to_effect
            return Effect(given.on, measured(site))

    def table(effect: Effect) -> Table:
        table = Table(box=None, show_header=False)
        table.add_row(f"from a kill to its effect on {effect.runtime}", f"{1000 * effect.seconds:.0f} ms")
        return table

    return carry_out(measure, table, as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
