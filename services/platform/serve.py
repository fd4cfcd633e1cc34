"""Serving an application: TLS listeners, certificates that are looked at again, and an end that keeps its
time.

    run(app, settings)                         the internal listener (LISTEN): the site's own parts get in
    run(app, settings, Public(edge, clients))  and the public one (PUBLIC_LISTEN), in the same process

It is uvicorn's protocol on uvloop and httptools; its server is not used, because that has one listener,
wakes ten times a second and waits for streams that never end.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterable
from email.utils import formatdate
from typing import Any, NamedTuple

import uvloop
from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.lifespan.on import LifespanOn
from uvicorn.server import ServerState

from services.platform import release, wall_clock
from services.platform.accept import Door
from services.platform.allocator import Allocator
from services.platform.clients import Clients
from services.platform.logs import configure_logging
from services.platform.protocol import Protocol
from services.platform.settings import Address, Settings
from services.platform.tls import Credentials, credentials_of

logger = logging.getLogger(__name__)

TICK_SECONDS = 1.0
"""How often the date header is renewed and certificates are looked at."""

KEEP_ALIVE_SECONDS = 75
HANDSHAKE_SECONDS = 10.0
BACKLOG = 2048

ANSWERS_WITHIN = 1.0
"""At the end: seconds for requests at work to begin their answer."""
ASKS_WITHIN = 0.2
"""Of that: seconds for the first request on a connection that has just been made, or is being made."""
FINISHES_WITHIN = 0.3
"""Then: seconds for answers that have begun. What goes on (an event stream) is cut, and gets as long to
clean up."""
CLEANS_UP_WITHIN = 0.4
"""Then: seconds for the application to clean up."""


class Public(NamedTuple):
    """What is there for everybody, and what bounds what they cost."""

    app: ASGIApp
    clients: Clients


def run(app: ASGIApp, settings: Settings, public: Public | None = None) -> None:
    """Serve until SIGTERM or SIGINT; returns within two seconds of it, also with open event streams.

    `app` is served on `settings.listen` to peers with a certificate of the site, `public.app` on
    `settings.public_listen` to anybody. Ends the process with status 1 and a line in the log when an
    address is taken, a certificate cannot be read or the application does not start.
    """
    configure_logging(settings.release)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(app, settings, public))
    except (OSError, StartError) as error:
        logger.error("%s cannot start: %s", settings.name, error)
        sys.exit(1)


def serve(application: Callable[[Settings], ASGIApp]) -> None:
    """Run a service that has no public listener, as its environment says."""
    settings = Settings.from_environment()
    release.take(settings.release, settings.service)
    run(application(settings), settings)


async def _serve(app: ASGIApp, settings: Settings, public: Public | None) -> None:
    credentials = credentials_of(settings)
    server = Server(app, credentials)
    try:
        await server.start()
        addresses = [await server.listen(app, settings.listen, credentials.internal)]
        if public is not None and settings.public_listen is not None:
            listen = server.listen(public.app, settings.public_listen, credentials.public, public.clients)
            addresses.append(await listen)
        logger.info("%s %s serves on %s", settings.name, settings.release, ", ".join(map(str, addresses)))
        # What is there before the first request stays: garbage collection need not look at it, nor touch
        # memory that is shared with the parent process.
        gc.freeze()
        await server.until_stopped()
    finally:
        await server.stop()


class StartError(Exception):
    """The application's start-up failed; what it was is in the log."""


class Server:
    """Listeners that share one set of connections, one lifespan and one end."""

    def __init__(self, app: ASGIApp, credentials: Credentials) -> None:
        self._credentials = credentials
        self._state = ServerState()
        self._lifespan = LifespanOn(_config(app, KEEP_ALIVE_SECONDS))
        self._listeners: list[asyncio.AbstractServer | Door] = []
        self._doors: list[Door] = []
        self._clients: list[Clients] = []
        self._allocator = Allocator()
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Start the application. Raises StartError."""
        await self._lifespan.startup()
        if self._lifespan.should_exit:
            raise StartError("its start-up failed")
        self._renew_date()

    async def listen(
        self, app: ASGIApp, address: Address, tls: ssl.SSLContext, clients: Clients | None = None
    ) -> Address:
        """Accept connections for `app`; returns the address, with the port that was given where it was 0.

        With `clients` it is for the public, whose connections are bounded by them.
        """
        config = _config(app, clients.limits.idle_seconds if clients else KEEP_ALIVE_SECONDS)
        config.load()
        if clients is not None:
            return self._open_to_clients(clients, config, address, tls)

        def protocol() -> Protocol:
            return Protocol(config=config, server_state=self._state, app_state=self._lifespan.state)

        listener = await asyncio.get_running_loop().create_server(
            protocol,
            address.host,
            address.port,
            ssl=tls,
            backlog=BACKLOG,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=FINISHES_WITHIN,
        )
        self._listeners.append(listener)
        return Address(address.host, listener.sockets[0].getsockname()[1])

    def _open_to_clients(
        self, clients: Clients, config: Config, address: Address, tls: ssl.SSLContext
    ) -> Address:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        listener = socket.create_server((address.host, address.port), family=family, backlog=BACKLOG)
        door = Door(
            listener,
            lambda: clients.protocol(config, self._state, self._lifespan.state),
            tls,
            clients.limits,
            shutdown_seconds=FINISHES_WITHIN,
            on_crowded=clients.door_is_crowded,
        )
        self._listeners.append(door)
        self._doors.append(door)
        self._clients.append(clients)
        return Address(address.host, listener.getsockname()[1])

    async def until_stopped(self) -> None:
        """Wait for SIGTERM or SIGINT, with a look at the clock and the certificates about once a second."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        while not self._stopping.is_set():
            try:
                async with asyncio.timeout(TICK_SECONDS):
                    await self._stopping.wait()
            except TimeoutError:
                self.tick()

    def tick(self) -> None:
        """What is due each second."""
        self._renew_date()
        self._credentials.refresh()
        for clients in self._clients:
            clients.look()
        self._allocator.look()

    async def stop(self) -> None:
        """End: no new connections, a bounded time for what is at work, the rest is cut. Takes 2 s at most."""
        for listener in self._listeners:
            listener.close()
        self._part_with([one for one in self._connections if one.cycle is not None])
        await _wait(ASKS_WITHIN, self._nobody_has_just_come)
        for door in self._doors:
            door.break_off()
        self._part_with(self._connections)
        await _wait(ANSWERS_WITHIN - ASKS_WITHIN, lambda: not any(map(_is_at_work, self._connections)))
        await _wait(FINISHES_WITHIN, lambda: not self._state.tasks)
        # A stream learns that its client has gone, and ends as it always does.
        for connection in self._connections:
            connection.transport.close()
        await _wait(FINISHES_WITHIN, lambda: not self._state.tasks)
        for task in list(self._state.tasks):
            task.cancel()
        try:
            async with asyncio.timeout(CLEANS_UP_WITHIN):
                await self._lifespan.shutdown()
        except TimeoutError:
            logger.warning("the application did not clean up within %.1f s", CLEANS_UP_WITHIN)

    @property
    def _connections(self) -> list[Any]:
        """Those that are open: all speak our Protocol, which uvicorn cannot know."""
        return list(self._state.connections)

    def _nobody_has_just_come(self) -> bool:
        """Whether every connection that was made, or is being made, has had a request."""
        shakes_hands = any(door.shakes_hands for door in self._doors)
        return not shakes_hands and all(one.cycle is not None for one in self._connections)

    @staticmethod
    def _part_with(connections: Iterable[Any]) -> None:
        """Close those where nothing is asked, and the others after the answer."""
        for connection in connections:
            connection.shutdown()

    def _renew_date(self) -> None:
        self._state.default_headers = [(b"date", formatdate(wall_clock.now(), usegmt=True).encode("ascii"))]


def _config(app: ASGIApp, keep_alive_seconds: float) -> Config:
    return Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=keep_alive_seconds,  # type: ignore[arg-type]  # it goes to call_later, as it is
        # A task would otherwise inherit the context of an earlier request on the same connection.
        reset_contextvars=True,
    )


def _is_at_work(connection: Any) -> bool:
    """Whether a connection has a request whose answer has not begun."""
    cycle = connection.cycle
    return cycle is not None and not cycle.response_started and not cycle.disconnected


async def _wait(seconds: float, done: Callable[[], bool]) -> None:
    """Wait until it is done, but no longer than so many seconds."""
    until = time.monotonic() + seconds
    while not done() and time.monotonic() < until:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.02)
