"""A cheap closed-loop client in a process of its own: `python -m bench.load` plays a job given as JSON.

It keeps a fixed number of requests in flight, one on each connection, and only looks whether an answer is
complete and good, so that what is measured is the server.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import cast
from urllib.parse import urlsplit

import uvloop


@dataclass(frozen=True)
class Job:
    """What to ask for, how, and for how many seconds."""

    url: str
    tokens: Sequence[str]
    """Sessions that take turns, request by request; empty for none."""
    in_flight: int
    seconds: float
    warm_up: float
    """Seconds before the first answer that counts."""
    ca: str | None = None
    """File of the certificate authority to trust, for https."""
    core: int | None = None
    """The processor core to stay on."""


@dataclass(frozen=True)
class Result:
    """What was seen; latencies are seconds."""

    per_second: float
    p50: float
    p99: float
    failed: int


class _Connection(asyncio.Protocol):
    """One connection with one request in flight."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._transport: asyncio.Transport | None = None
        self._head = b""
        self._missing = 0
        self._sent_at = 0.0
        self._good = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's only look like one
        self._send()

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._head[:end].lower()
            start = head.index(b"content-length:") + 15
            stop = head.find(b"\r\n", start)
            length = int(head[start : stop if stop >= 0 else len(head)])
            self._good = head[9:12] == b"200"
            self._missing = length - (len(self._head) - end - 4)
            self._head = b""
        if self._missing == 0:
            self._run.answered(time.perf_counter() - self._sent_at, self._good)
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        self._run.lost()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _send(self) -> None:
        assert self._transport is not None
        self._sent_at = time.perf_counter()
        self._transport.write(next(self._run.requests))


class _Run:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._counts = False
        self._latencies: list[float] = []
        self._failed = 0
        self.requests = cycle(_requests(job))

    def answered(self, seconds: float, good: bool) -> None:
        if self._counts:
            if good:
                self._latencies.append(seconds)
            else:
                self._failed += 1

    def lost(self) -> None:
        if self._counts:
            self._failed += 1

    async def play(self) -> Result:
        job, loop = self._job, asyncio.get_running_loop()
        url = urlsplit(job.url)
        host, port = url.hostname or "", url.port or 0
        tls = ssl.create_default_context(cafile=job.ca) if url.scheme == "https" else None
        connections = [
            (await loop.create_connection(lambda: _Connection(self), host, port, ssl=tls))[1]
            for _ in range(job.in_flight)
        ]
        await asyncio.sleep(job.warm_up)
        self._counts = True
        began = time.perf_counter()
        await asyncio.sleep(job.seconds)
        took = time.perf_counter() - began
        self._counts = False
        for connection in connections:
            connection.close()
        good = self._latencies
        if len(good) < 2:
            raise SystemExit(f"{job.url} gave {len(good)} good answers and {self._failed} others")
        percentiles = statistics.quantiles(good, n=100)
        return Result(len(good) / took, percentiles[49], percentiles[98], self._failed)


def _requests(job: Job) -> list[bytes]:
    url = urlsplit(job.url)
    target = f"{url.path}?{url.query}" if url.query else url.path
    head = f"GET {target} HTTP/1.1\r\nhost: {url.netloc}\r\naccept: application/json\r\n"
    sessions = [f"authorization: Bearer {token}\r\n" for token in job.tokens] or [""]
    return [f"{head}{session}\r\n".encode("ascii") for session in sessions]


def main() -> None:
    """Read a Job from standard input, play it, print its Result."""
    job = Job(**json.load(sys.stdin))
    if job.core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {job.core})
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(asdict(runner.run(_Run(job).play()))))


if __name__ == "__main__":
    main()
