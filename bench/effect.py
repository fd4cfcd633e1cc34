"""How soon a fault bites: from the request that the controller gets to the death of a process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import psutil

from bench.site import BenchError, Site
from chaos.client import Client
from chaos.fault_rows import is_settled
from chaos.injector import Request, new_id
from foundation.state import State

PART = "retweet@east"
TIMES = 9
LOOK_SECONDS = 0.0002
READY_WITHIN = 10.0


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
