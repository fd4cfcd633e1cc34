"""`python -m bench.calls`: what a call between services costs its caller, over mutual TLS. Takes ~15 s.

Stock httpx, httpx on our transport, and Caller call the same server in turn. CPU is of the calling process
only. Trust ratios within one run.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

import httpx
import uvloop
from rich.table import Table
from starlette.types import Receive, Scope, Send

from bench.printing import print_whole
from bench.site import free_port
from services.platform import pki
from services.platform.calls import Caller
from services.platform.calls.transport import WireTransport
from services.platform.calls.wire import Pool
from services.platform.protections import Protections
from services.platform.serve import run
from services.platform.settings import Address, Replica, Settings
from services.platform.tls import credentials_of

BODY = b"x" * 15_000
IN_FLIGHT = (1, 32, 128)
CALLS = 1500
ROUNDS = 3
NAME = "bench"

Call = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Cost:
    """Of one call, in seconds: CPU of the caller, and the time that one in a hundred exceeds."""

    cpu: float
    p99: float


def settings_for(folder: Path, port: int) -> Settings:
    return Settings(NAME, Address("127.0.0.1", port), folder, folder)


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """The server: an ASGI application that always answers the same."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": message["type"] + ".complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


@contextmanager
def server() -> Iterator[Settings]:
    """The server in a process of its own, ready to answer."""
    with tempfile.TemporaryDirectory() as folder:
        authority = pki.new_authority()
        pki.install_authority(Path(folder), authority)
        pki.issue(NAME, ca=authority).install(Path(folder), NAME)
        port = free_port()
        command = [sys.executable, "-m", "bench.calls", "serve", folder, str(port)]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            yield settings_for(Path(folder), port)
        finally:
            process.kill()
            process.wait()


@asynccontextmanager
async def callers(settings: Settings) -> AsyncIterator[Mapping[str, Call]]:
    """The ways to call, by name."""
    tls = credentials_of(settings).client
    address = settings.listen
    url = f"https://{address}/api/v1/timelines/home"
    pool = Pool(address, lambda: tls, connect_seconds=5.0)
    caller = Caller(
        NAME,
        [Replica("east", address)],
        "east",
        lambda: tls,
        Protections(),
        connect_seconds=5.0,
        attempt_seconds=10.0,
    )
    limits = httpx.Limits(max_connections=max(IN_FLIGHT), max_keepalive_connections=max(IN_FLIGHT))
    async with (
        httpx.AsyncClient(verify=tls, limits=limits, timeout=30.0) as stock,
        httpx.AsyncClient(transport=WireTransport(tls), timeout=30.0) as ours,
    ):
        yield {
            "httpx": lambda: stock.get(url),
            "httpx on our transport": lambda: ours.get(url),
            "Caller": lambda: caller.send(b"GET", b"/api/v1/timelines/home", idempotent=True),
            "Pool (no protections)": lambda: pool.send(b"GET", b"/api/v1/timelines/home", seconds=10.0),
        }
    await caller.close()
    await pool.close()


async def cost(call: Call, in_flight: int, calls: int) -> Cost:
    """Make so many calls, so many of them at once."""
    times: list[float] = []

    async def some() -> None:
        for _ in range(calls // in_flight):
            began = time.perf_counter()
            await call()
            times.append(time.perf_counter() - began)

    cpu = time.process_time()
    await asyncio.gather(*(some() for _ in range(in_flight)))
    return Cost((time.process_time() - cpu) / len(times), quantiles(times, n=100)[98])


async def measure(settings: Settings) -> dict[str, list[Cost]]:
    """By way to call: its cost at each number in flight, the best of several rounds taken in turn."""
    best: dict[str, list[Cost]] = {}
    async with callers(settings) as ways:
        for name, call in ways.items():
            await until_it_answers(call)
            best[name] = []
        for in_flight in IN_FLIGHT:
            rounds = [
                {
                    name: await cost(call, in_flight, CALLS // 5 if name == "httpx" else CALLS)
                    for name, call in ways.items()
                }
                for _ in range(ROUNDS)
            ]
            for name in ways:
                best[name].append(min((turn[name] for turn in rounds), key=lambda cost: cost.cpu))
    return best


async def until_it_answers(call: Call) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                await call()
                return
            except Exception:
                await asyncio.sleep(0.05)


def main() -> None:
    """The command."""
    if sys.argv[1:2] == ["serve"]:
        run(answer, settings_for(Path(sys.argv[2]), int(sys.argv[3])))
        return
    with server() as settings:
        measured = uvloop.run(measure(settings))
    table = Table(title=f"A call that is answered with {len(BODY):,} bytes")
    for heading in ("in flight", "client", "CPU us", "x", "p99 ms"):
        table.add_column(heading, justify="left" if heading == "client" else "right")
    for row, in_flight in enumerate(IN_FLIGHT):
        table.add_section()
        stock = measured["httpx"][row]
        for name, costs in measured.items():
            each = costs[row]
            ratio = f"{stock.cpu / each.cpu:.1f}"
            table.add_row(f"{in_flight}", name, f"{1e6 * each.cpu:.0f}", ratio, f"{1000 * each.p99:.1f}")
    print_whole(table)


if __name__ == "__main__":
    main()
