"""`python -m bench.partition [RUNS]`: acknowledged writes that a partition loses, with writers on both sides.

Two data centres and a witness, as the site has them: a primary with its sentinel, the replica with another,
and a third; real servers, each connected to the others by relays that tell from which place a connection
comes. The primary's place is cut off for CUT_SECONDS: what crosses its border waits, as it does in a network
that delivers nothing. Writers in both data centres go on with what a service uses, Store. Then the border is
opened, and what was acknowledged is looked for. A run takes about 20 s. Three ways:

believing       a server that calls itself primary is believed: how writes were acknowledged before
min-replicas    the same, with `min-replicas-to-write 1` and `min-replicas-max-lag 1` in Redis
now             what no replica has is acknowledged while most sentinels name its server
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median

import redis
import uvloop
from rich.console import Console
from rich.table import Table

from bench.site import free_port
from bench.store import server
from services.link.relay import Relay
from services.link.routes import LinkRoute
from services.platform.calls import deadline
from services.platform.problems import Problem
from services.platform.settings import Address
from services.platform.store import Script, Store
from services.platform.store.commits import Commits
from services.platform.store.confirmation import Confirmation
from services.platform.store.connection import StoreConnection

NAME = "failwhale"
DATA_CENTRES = ("east", "west")
PLACES = {"127.0.1.1": "east", "127.0.2.1": "west", "127.0.3.1": "witness"}
"""By the address from which what stands there connects."""

WAYS = ("believing", "min-replicas", "now")
RUNS = 20
CUT_SECONDS = 6.0
LONGEST_RUN = 60.0
WRITERS = 4
"""In each data centre, each with a request in flight all the time."""

REQUEST_SECONDS = 1.5
"""What a front end gives an attempt."""

PAUSE_SECONDS = 0.01

ADD = Script("redis.call('SADD', KEYS[1], ARGV[1]) return 1")


class Border:
    """Relays to every server. While a place is cut off, nothing crosses into it or out of it."""

    def __init__(self) -> None:
        self._cut_off: str | None = None
        self._open = asyncio.Event()
        self._open.set()

    def cut(self, place: str) -> None:
        self._cut_off = place
        self._open.clear()

    def heal(self) -> None:
        self._cut_off = None
        self._open.set()

    async def listen(self, to: Address, in_place: str, from_place: str | None = None) -> Address:
        """A relay to a server that stands in a place; returns where it listens. Without `from_place` each
        connection comes from where its address belongs."""

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            place = from_place or PLACES[writer.get_extra_info("peername")[0]]
            far_reader, far_writer = None, None
            try:
                await self._passes(place, in_place)
                far_reader, far_writer = await asyncio.open_connection(to.host, to.port)
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pump(reader, far_writer, place, in_place))
                    both.create_task(self._pump(far_reader, writer, place, in_place))
            except* (OSError, EOFError):
                pass
            finally:
                for end in (writer, far_writer):
                    if end is not None:
                        end.transport.abort()

        listener = await asyncio.start_server(relay, "127.0.0.1", 0)
        return Address("127.0.0.1", listener.sockets[0].getsockname()[1])

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, one: str, other: str
    ) -> None:
        """Hand on what comes. Raises EOFError at its end, OSError."""
        while data := await reader.read(65536):
            await self._passes(one, other)
            writer.write(data)
            await writer.drain()
        raise EOFError

    async def _passes(self, one: str, other: str) -> None:
        while one != other and self._cut_off in (one, other):
            await self._open.wait()


@dataclass
class Servers:
    """The store: by data centre the servers, by place the sentinels, and all their relays."""

    border: Border
    stores: dict[str, Address]
    sentinels: dict[str, Address]
    known_as: dict[str, Address]
    """By data centre, where servers and sentinels find its store."""

    def client(self, place: str) -> redis.Redis:
        return redis.Redis(port=self.stores[place].port, socket_timeout=1)

    def primary(self) -> str | None:
        """The data centre that has the primary; None while none has, or both."""
        found = [place for place in DATA_CENTRES if self.client(place).role()[0] == b"master"]
        return found[0] if len(found) == 1 else None

    def promotions(self) -> int:
        """How many there were so far, by the sentinel that knows of most."""
        return max(map(_epoch, self.sentinels.values()))

    def is_whole(self) -> bool:
        """Whether there is one primary, with its replica in step."""
        primary = self.primary()
        return primary is not None and bool(self.client(primary).role()[2])


@asynccontextmanager
async def servers(*configuration: str) -> AsyncIterator[Servers]:
    """All servers, ready for a promotion; `configuration` is of the stores."""
    border = Border()
    own = {place: address for address, place in PLACES.items()}
    plain = ('save ""', "appendonly no", "repl-diskless-sync-delay 0", *configuration)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stores, known_as, sentinels = {}, {}, {}
        for place in DATA_CENTRES:
            port = free_port()
            known_as[place] = await border.listen(Address("127.0.0.1", port), place)
            lines = [
                *plain,
                *_announce("replica-announce", known_as[place]),
                f"bind-source-addr {own[place]}",
            ]
            if place != DATA_CENTRES[0]:
                lines.append(f"replicaof {known_as['east'].host} {known_as['east'].port}")
            stores[place] = stack.enter_context(server(folder / place, *lines, port=port))
        for place in own:
            port = free_port()
            known = await border.listen(Address("127.0.0.1", port), place)
            lines = [
                f"bind-source-addr {own[place]}",
                *_announce("sentinel announce", known),
                f"sentinel monitor {NAME} {known_as['east'].host} {known_as['east'].port} 2",
                f"sentinel down-after-milliseconds {NAME} 800",  # as services/store/sentinel.sh has it
                f"sentinel failover-timeout {NAME} 1000",
            ]
            sentinels[place] = stack.enter_context(
                server(folder / f"sentinel-{place}", *lines, sentinel=True, port=port)
            )
        whole = Servers(border, stores, sentinels, known_as)
        await until(lambda: all(map(_can_promote, sentinels.values())) and whole.is_whole())
        yield whole


def _announce(setting: str, address: Address) -> list[str]:
    return [f"{setting}-ip {address.host}", f"{setting}-port {address.port}"]


def _can_promote(sentinel: Address) -> bool:
    with redis.Redis(port=sentinel.port, socket_timeout=1) as client:
        state = client.sentinel_master(NAME)
    return bool(state["num-slaves"] == 1 and state["num-other-sentinels"] == 2)


def _epoch(sentinel: Address) -> int:
    with redis.Redis(port=sentinel.port, socket_timeout=1) as client:
        return int(client.sentinel_master(NAME)["config-epoch"])


class Believing(Confirmation):
    """Takes a server's own word for it."""

    async def of(self, link: StoreConnection) -> bool:
        return True


@asynccontextmanager
async def store_in(place: str, servers: Servers, way: str) -> AsyncIterator[Store]:
    """What a service in this data centre has: what stands beside it directly, all else by its link."""
    async with AsyncExitStack() as stack:

        async def way_to(to: Address, where: str) -> Address:
            across = await servers.border.listen(to, where, place)
            if where == place:
                return across
            relay = Relay([LinkRoute(Address("127.0.0.1", 0), across)])
            stack.callback(relay.close)
            (address,) = await relay.start()
            return address

        sentinels = [await way_to(to, where) for where, to in servers.sentinels.items()]
        routes = {servers.known_as[where]: await way_to(to, where) for where, to in servers.stores.items()}
        store = Store(sentinels, NAME, routes=routes)
        if way != "now":
            store._commits = Commits(store._writing, Believing(store._sentinels.elected))
        await store.start()
        stack.push_async_callback(store.close)
        yield store


@dataclass
class Run:
    """What the writers of one run were told, and what became of it."""

    acknowledged: dict[int, bool] = field(default_factory=dict)
    """By number: whether it was said to be replicated."""
    at: dict[str, list[float]] = field(default_factory=lambda: {place: [] for place in DATA_CENTRES})
    """When something was acknowledged, by the data centre of the writer."""
    refused: int = 0
    """Requests of which nobody was told that they were done."""
    lost: list[int] = field(default_factory=list)
    stood_still: float = 0.0
    """Seconds without an acknowledged write in the data centre that was not cut off."""
    promotions: int = 0
    """One for the cut. With a second one, the old primary was promoted again, perhaps before it had followed
    the new one: Sentinel takes a replica that has not followed for some seconds, and one that still believes
    itself the primary. What was acknowledged in between and not replicated is lost then."""

    @property
    def lost_although_replicated(self) -> int:
        return sum(self.acknowledged[number] for number in self.lost)


async def write(run: Run, store: Store, place: str, key: str, numbers: Callable[[], int]) -> None:
    """Write numbers, again and again."""
    while True:
        number = numbers()
        try:
            with deadline.deadline_within(REQUEST_SECONDS):
                written = await store.write(ADD, [key], [number], repeatable=True)
        except Problem:
            run.refused += 1
        else:
            run.acknowledged[number] = written.replicated
            run.at[place].append(time.monotonic())
        await asyncio.sleep(PAUSE_SECONDS)


async def one_run(servers: Servers, stores: dict[str, Store], key: str) -> Run:
    """Cut the primary's data centre off under writes, heal, and look for what was acknowledged."""
    run, count = Run(), iter(range(10**9))
    old = servers.primary()
    assert old is not None
    (new,) = set(DATA_CENTRES) - {old}
    promotions = servers.promotions()
    writers = [
        asyncio.create_task(write(run, store, place, key, lambda: next(count)))
        for place, store in stores.items()
        for _ in range(WRITERS)
    ]
    await until(lambda: sum(run.acknowledged.values()) > 200)
    began = time.monotonic()
    servers.border.cut(old)
    await until(lambda: servers.client(new).role()[0] == b"master" and time.monotonic() > began + CUT_SECONDS)
    servers.border.heal()
    await until(servers.is_whole)
    healed = len(run.acknowledged)
    await until(lambda: len(run.acknowledged) > healed + 100)
    for writer in writers:
        writer.cancel()
    await asyncio.gather(*writers, return_exceptions=True)
    primary = servers.primary()
    assert primary is not None
    found = {int(number) for number in servers.client(primary).smembers(key)}
    run.lost = sorted(set(run.acknowledged) - found)
    run.promotions = servers.promotions() - promotions
    at = run.at[new]
    run.stood_still = max(after - before for before, after in pairwise(at))
    return run


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition. Raises SystemExit after LONGEST_RUN seconds."""
    end = time.monotonic() + LONGEST_RUN
    while True:
        try:
            if await asyncio.to_thread(condition):
                return
        except redis.RedisError:
            pass
        if time.monotonic() > end:
            raise SystemExit("bench: the servers did not become what they should be")
        await asyncio.sleep(0.05)


async def measure(way: str, runs: int, console: Console) -> list[Run]:
    """So many runs of one way."""
    strict = ("min-replicas-to-write 1", "min-replicas-max-lag 1") if way == "min-replicas" else ()
    measured = []
    async with AsyncExitStack() as stack:
        whole = await stack.enter_async_context(servers(*strict))
        stores = {
            place: await stack.enter_async_context(store_in(place, whole, way)) for place in DATA_CENTRES
        }
        for number in range(runs):
            run = await one_run(whole, stores, f"{way}:{number}")
            measured.append(run)
            console.print(
                f"[dim]{way}, run {number + 1}: {len(run.lost)} of {len(run.acknowledged)} lost, "
                f"{run.stood_still:.1f} s without a write where it was not cut off"
                f"{', the old primary was promoted again' if run.promotions > 1 else ''}[/dim]",
                highlight=False,
            )
    return measured


def table_of(measured: dict[str, list[Run]]) -> Table:
    """All ways, a row each."""
    table = Table(title=f"the primary's data centre is cut off for {CUT_SECONDS:g} s, writers on both sides")
    headings = (
        "",
        "runs",
        "acknowledged",
        "lost",
        "lost/run",
        "of these 'replicated'",
        "refused",
        "no write for",
    )
    for heading in headings:
        table.add_column(heading, justify="right" if heading else "left")
    for way, runs in measured.items():
        lost = [len(run.lost) for run in runs]
        still = [run.stood_still for run in runs]
        table.add_row(
            way,
            f"{len(runs)}",
            f"{sum(len(run.acknowledged) for run in runs):,}",
            f"{sum(lost):,}",
            f"{median(lost):,g} ({min(lost):,} to {max(lost):,})",
            f"{sum(run.lost_although_replicated for run in runs)}",
            f"{sum(run.refused for run in runs):,}",
            f"{median(still):.1f} s (to {max(still):.1f})",
        )
    return table


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.partition", description="See the module.")
    parser.add_argument("runs", nargs="?", type=int, default=RUNS)
    parser.add_argument("--way", choices=WAYS, action="append", help="Only this way.")
    options = parser.parse_args()
    console = Console(width=max(120, Console().width))
    measured = {}
    for way in options.way or WAYS:
        measured[way] = uvloop.run(measure(way, options.runs, console))
    console.print(table_of(measured))


if __name__ == "__main__":
    main()
