"""Reads of the site beside a bare route that returns the same bytes: same client, same cores, alternated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from statistics import median

import httpx

from bench.load import Job, Result
from bench.site import BenchError, Site, free_port

IN_FLIGHT = (1, 32, 128)
ROUNDS = 3
WARM_UP_SECONDS = 0.3
TIMELINE = "/api/v1/timelines/home?limit=50"


@dataclass(frozen=True)
class Read:
    """Medians over the rounds; `ratio` is the site's requests per second over those of the bare route."""

    in_flight: int
    site: Result
    bare: Result
    ratio: float


def compare(
    site: Site, tokens: Sequence[str], body: bytes, seconds: float, told: Callable[[str], None]
) -> list[Read]:
    """Measure both sides at each number in flight, for `seconds` a turn; `told` hears what goes on.

    The client stays on the last core; the processes of both sides may use them all. Raises BenchError.
    """
    last_core = (os.cpu_count() or 1) - 1
    with _bare_route(body) as bare:
        ours = Job(site.edge + TIMELINE, tokens, 1, seconds, WARM_UP_SECONDS, ca=site.ca, core=last_core)
        theirs = replace(ours, url=bare + TIMELINE, ca=None)
        reads = []
        for in_flight in IN_FLIGHT:
            told(f"home timeline of 50, {in_flight} in flight")
            turns = [
                (_play(replace(ours, in_flight=in_flight)), _play(replace(theirs, in_flight=in_flight)))
                for _ in range(ROUNDS)
            ]
            of_site, of_bare = _middle([turn[0] for turn in turns]), _middle([turn[1] for turn in turns])
            reads.append(Read(in_flight, of_site, of_bare, of_site.per_second / of_bare.per_second))
        return reads


def _play(job: Job) -> Result:
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"], input=json.dumps(asdict(job)), capture_output=True, text=True
    )
    if done.returncode != 0:
        raise BenchError(done.stderr.strip().splitlines()[-1])
    return Result(**json.loads(done.stdout))


def _middle(results: Sequence[Result]) -> Result:
    return Result(
        per_second=median(result.per_second for result in results),
        p50=median(result.p50 for result in results),
        p99=median(result.p99 for result in results),
        failed=sum(result.failed for result in results),
    )


@contextmanager
def _bare_route(body: bytes) -> Iterator[str]:
    """The address of the bare route, in a process of its own."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([sys.executable, "-m", "bench.bare", str(port)], stdin=subprocess.PIPE)
    try:
        assert process.stdin is not None
        process.stdin.write(body)
        process.stdin.close()
        _wait_until_it_answers(url, process)
        yield url
    finally:
        process.terminate()
        process.wait()


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 10
    while True:
        try:
            httpx.get(url + TIMELINE)
            return
        except httpx.TransportError as error:
            if process.poll() is not None or time.monotonic() > end:
                raise BenchError("the bare route did not start") from error
            time.sleep(0.02)
