"""What the public cannot do to a listener: hold it with half requests, idle connections or silence, and make
it busy with refusals."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from over_tls import Connection, client_context, hello, serving
from starlette.types import ASGIApp, Receive, Scope, Send

from services.platform.client_limits import ClientLimits
from services.platform.clients import Clients
from services.platform.intake import REFUSED, Intake
from services.platform.metrics import Metrics
from services.platform.serve import Server
from services.platform.settings import Address, Settings
from services.platform.site import Site
from services.platform.tls import Credentials

from .conftest import NoStore

MANY_BYTES = 32 * 1024 * 1024
"""More than all buffers between two ends of a connection take."""

HALF_BODY = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 20\r\n\r\n{"
HALF_HEAD = b"GET / HTTP/1.1\r\nhost: x\r\n"


class Listener:
    """A public listener with these limits, and what it counts."""

    def __init__(self, folder: Path, address: Address, server: Server, metrics: Metrics) -> None:
        self.address = address
        self.server = server
        self._context = client_context(folder, None)
        self._registry = metrics.registry
        self._opened: list[Connection] = []  # one that nobody knows any more would be closed

    async def connect(self) -> Connection:
        connection = await Connection.open(self.address, self._context)
        self._opened.append(connection)
        return connection

    async def half(self, part: bytes) -> Connection:
        """A connection that sends this and nothing more."""
        connection = await self.connect()
        before = self.connections("unfinished") + self.closed("unfinished")
        await connection.send(part)
        await until(lambda: self.connections("unfinished") + self.closed("unfinished") > before)
        return connection

    def closed(self, reason: str) -> float:
        name = "http_server_connections_closed_total"
        return self._registry.get_sample_value(name, {"reason": reason}) or 0.0

    def connections(self, state: str) -> float:
        return self._registry.get_sample_value("http_server_connections", {"state": state}) or 0.0

    @property
    def answered(self) -> int:
        return self.server._state.total_requests

    def has_had(self, connections: int) -> bool:
        return self.connections("all") + self.closed("idle") >= connections

    def has_done_more_than(self, before: float) -> bool:
        return self.answered + self.closed("unread") > before

    def reads_paused(self) -> float:
        return self._registry.get_sample_value("http_server_reads_paused_total") or 0.0


class Listening:
    """Starts public listeners; `app` is what they serve."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def __call__(self, app: ASGIApp = hello, **limits: float) -> AsyncIterator[Listener]:
        metrics = Metrics(Settings("frontend", Address("127.0.0.1", 0), self._folder, self._folder))
        clients = Clients(metrics, replace(ClientLimits(), **limits))  # type: ignore[arg-type]
        credentials = Credentials(self._folder, "post-east")
        async with serving(app, credentials, clients) as (server, _, public):
            yield Listener(self._folder, public, server, metrics)


@pytest.fixture
def listening(folder: Path) -> Listening:
    return Listening(folder)


async def until(condition: Callable[[], bool], tick: Callable[[], None] = lambda: None) -> None:
    async with asyncio.timeout(10):
        while not condition():
            tick()
            await asyncio.sleep(0.005)


async def is_closed(connection: Connection) -> None:
    """Returns when the other end has closed the connection."""
    try:
        async with asyncio.timeout(10):
            while await connection.reader.read(65536):
                pass
    except OSError:
        pass


class Closed:
    """A transport of uvloop whose connection has ended, before the protocol is told: it has no socket."""

    def get_extra_info(self, name: str) -> None:
        return None

    def abort(self) -> None:
        return None


async def test_a_connection_that_has_just_ended_is_looked_at_without_harm(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening() as listener:
        connection = await listener.connect()
        assert await connection.get() == 200
        (ended,) = listener.server._state.connections
        monkeypatch.setattr(ended, "transport", Closed())
        listener.server.tick()
        ended.drop()  # type: ignore[union-attr]
        monkeypatch.undo()
        assert await (await listener.connect()).get() == 200


@pytest.mark.parametrize("part", [HALF_HEAD, HALF_BODY], ids=["head", "body"])
async def test_half_requests_take_no_place_and_the_oldest_give_way(listening: Listening, part: bytes) -> None:
    async with listening(unfinished=3) as listener:
        held = [await listener.half(part) for _ in range(8)]
        for connection in held[:5]:
            await is_closed(connection)
        assert listener.connections("unfinished") == 3
        assert listener.closed("unfinished") == 5
        assert await (await listener.connect()).get() == 200
        await held[7].send(b"\r\n" if part is HALF_HEAD else b" " * 19)
        assert (await held[7].head()).startswith(b"HTTP/1.1 200 "), "the youngest can still be finished"


async def test_half_sent_bodies_do_not_close_a_service(folder: Path, listening: Listening) -> None:
    settings = Settings("frontend", Address("127.0.0.1", 0), folder, folder)
    site = Site(settings, NoStore())  # type: ignore[arg-type]

    async def reading(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            while (await receive()).get("more_body"):
                pass
        await hello(scope, receive, send)

    bounded = Intake(
        reading,
        metrics=site.metrics,
        faults=site.faults,
        protections=site.protections,
        max_in_flight=2,
        route_of=lambda method, path: None,
    )
    async with listening(bounded) as listener:
        for _ in range(4):
            await listener.half(HALF_BODY)
        assert await (await listener.connect()).get() == 200
        assert listener.connections("unfinished") == 4


@pytest.mark.parametrize("part", [HALF_HEAD, HALF_BODY], ids=["head", "body"])
async def test_a_request_has_a_bounded_time_to_arrive(listening: Listening, part: bytes) -> None:
    async with listening(request_seconds=0.1) as listener:
        slow = await listener.half(part)
        idle = await listener.connect()
        await until(lambda: listener.closed("late") == 1, listener.server.tick)
        assert (await slow.head()).startswith(b"HTTP/1.1 408 ")
        assert json.loads(await slow.reader.read())["type"].endswith("/request-too-slow")
        assert await idle.get() == 200, "nothing was half-sent there"


async def test_a_slow_body_that_keeps_coming_has_more_time(listening: Listening) -> None:
    async with listening(request_seconds=0.0, body_rate=1.0, longest_request_seconds=0.1) as listener:
        began = time.monotonic()
        await listener.half(HALF_BODY)
        await until(lambda: listener.closed("late") == 1, listener.server.tick)
        assert 0.1 <= time.monotonic() - began < 5, "as many seconds as bytes, up to the longest"


async def test_a_body_is_asked_for_where_the_client_waits_for_that(listening: Listening) -> None:
    async with listening() as listener:
        connection = await listener.connect()
        await connection.send(
            b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
        )
        assert await connection.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        await connection.send(b"{}")
        assert (await connection.head()).startswith(b"HTTP/1.1 200 ")


async def test_pipelined_requests_are_answered_in_turn(listening: Listening) -> None:
    async with listening() as listener:
        connection = await listener.connect()
        whole = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
        await connection.send(whole + HALF_BODY[:-1] + b" " * 20 + whole + HALF_BODY)
        for _ in range(3):
            assert (await connection.head()).startswith(b"HTTP/1.1 200 ")
        assert listener.connections("unfinished") == 1
        await connection.send(b" " * 19)
        assert (await connection.head()).startswith(b"HTTP/1.1 200 ")


async def test_idle_connections_are_bounded_and_the_oldest_give_way(listening: Listening) -> None:
    async with listening(idle=2, idle_at_least_seconds=0.0) as listener:
        connections = []
        for number in range(5):
            connections.append(await listener.connect())
            await until(partial(listener.has_had, number + 1))
            assert listener.connections("idle") <= 2
            if number == 1:
                assert await connections[0].get() == 200, "which makes it younger than the second"
        for connection in connections[:3]:
            await is_closed(connection)
        assert listener.closed("idle") == 3
        assert [await connection.get() for connection in connections[3:]] == [200, 200]


async def test_a_look_makes_room_among_those_that_had_just_come(listening: Listening) -> None:
    async with listening(idle=2, idle_at_least_seconds=0.2) as listener:
        connections = [await listener.connect() for _ in range(3)]
        assert await connections[0].get() == 200
        await until(lambda: listener.closed("idle") == 1, listener.server.tick)
        await is_closed(connections[1])
        assert [await connections[kept].get() for kept in (0, 2)] == [200, 200]


async def test_those_that_have_just_come_are_left_alone(listening: Listening) -> None:
    async with listening(idle=0, idle_at_least_seconds=60.0) as listener:
        connection = await listener.connect()
        await until(lambda: listener.connections("idle") == 1)
        listener.server.tick()
        assert await connection.get() == 200


async def test_a_crowd_that_is_too_large_is_not_left_alone(listening: Listening) -> None:
    async with listening(idle=1, idle_at_most=3, idle_at_least_seconds=60.0) as listener:
        connections = []
        for number in range(5):
            connections.append(await listener.connect())
            await until(partial(listener.has_had, number + 1))
            assert listener.connections("idle") <= 3
        for connection in connections[:2]:
            await is_closed(connection)
        assert [await connection.get() for connection in connections[2:]] == [200, 200, 200]


async def test_an_idle_connection_ends_after_its_time(listening: Listening) -> None:
    async with listening(idle_seconds=0.1) as listener:
        fresh, used = await listener.connect(), await listener.connect()
        assert await used.get() == 200
        await is_closed(fresh)
        await is_closed(used)


async def large(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers more than fits into buffers."""
    if scope["type"] != "http":
        await hello(scope, receive, send)
        return
    length = str(MANY_BYTES).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": b"x" * MANY_BYTES})


async def test_who_does_not_read_the_answer_is_hung_up_on(listening: Listening) -> None:
    async with listening(large, unread_seconds=0.05) as listener:
        connection = await listener.connect()
        connection.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await connection.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        await until(lambda: listener.closed("unread") == 1, listener.server.tick)
        await until(lambda: listener.connections("all") == 0)


async def test_who_asks_for_more_without_reading_is_hung_up_on(listening: Listening) -> None:
    async with listening(large) as listener:
        connection = await listener.connect()
        await until(lambda: listener.connections("idle") == 1)
        connection.writer.transport.pause_reading()  # type: ignore[attr-defined]
        # The first answer is on its way, in the buffers of both systems; the second stays with the server.
        for _ in range(3):
            before = listener.answered + listener.closed("unread")
            await connection.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            await until(partial(listener.has_done_more_than, before))
        assert listener.closed("unread") == 1


async def send_much(connection: Connection) -> None:
    for _ in range(MANY_BYTES // 65536):
        await connection.send(b"x" * 65536)


class Refusing:
    """An application that refuses, or lets in what is on /ok."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.asked += 1
            if scope["path"] != "/ok":
                scope[REFUSED] = True
        await hello(scope, receive, send)


async def test_who_is_refused_again_waits_longer_each_time(listening: Listening) -> None:
    app = Refusing()
    async with listening(app, refusals_unpunished=1, first_pause=0.1, longest_pause=0.4) as listener:
        connection = await listener.connect()
        times = []
        for _ in range(5):
            began = time.monotonic()
            await connection.get()
            times.append(time.monotonic() - began)
        # Each pause is felt by the next request; they differ by a quarter.
        assert times[2] >= 0.07
        assert times[3] >= 0.14
        assert times[4] >= 0.29
        assert listener.reads_paused() == 4


async def test_a_paused_connection_costs_nothing_and_others_do_not_notice(listening: Listening) -> None:
    app = Refusing()
    async with listening(app, refusals_unpunished=0, first_pause=60.0, longest_pause=60.0) as listener:
        refused = await listener.connect()
        await refused.get()
        await until(lambda: listener.connections("paused") == 1)
        await refused.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert await (await listener.connect()).get("/ok") == 200
        assert app.asked == 2, "what a paused connection sends is not looked at"
        refused.writer.transport.abort()
        await until(lambda: listener.connections("paused") == 0)


async def test_a_paused_connection_cannot_fill_the_memory(listening: Listening) -> None:
    app = Refusing()
    async with listening(app, refusals_unpunished=0, first_pause=60.0, longest_pause=60.0) as listener:
        refused = await listener.connect()
        await refused.get()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(send_much(refused), 2)
        assert listener.connections("paused") == 1


async def test_an_accepted_request_makes_up_for_a_refusal(listening: Listening) -> None:
    app = Refusing()
    async with listening(app, refusals_unpunished=1, first_pause=60.0, longest_pause=60.0) as listener:
        connection = await listener.connect()
        for _ in range(5):
            await connection.get("/refused")
            await connection.get("/ok")
        assert listener.reads_paused() == 0


async def test_who_is_refused_without_end_is_closed(listening: Listening) -> None:
    async with listening(Refusing(), refusals_unpunished=0, first_pause=0.001, most_refusals=3) as listener:
        connection = await listener.connect()
        for _ in range(3):
            await connection.get()
        await is_closed(connection)
        assert listener.closed("refused") == 1


def test_a_crowd_that_is_refused_comes_back_no_faster_than_it_can_be_refused() -> None:
    limits = ClientLimits()
    assert limits.pause(1, 1024) == 0, "who was wrong once has done nothing"
    assert limits.pause(2, 0) == limits.first_pause
    assert 1024 / limits.pause(2, 1024) <= limits.refusals_per_second
    assert limits.pause(100, 0) == limits.longest_pause


async def test_who_comes_behind_a_crowd_does_not_wait_for_it(listening: Listening) -> None:
    async with listening(handshakes_at_once=1) as listener:
        crowd = [asyncio.create_task(listener.connect()) for _ in range(150)]
        await asyncio.sleep(0)
        await (await listener.connect()).get()
        waiting = sum(not each.done() for each in crowd)
        assert waiting > 75, "the newest comes first"
        await asyncio.gather(*crowd)


async def test_silent_connections_give_way_to_those_that_speak(listening: Listening) -> None:
    async with listening(handshakes=4, handshake_seconds=60.0) as listener:
        address = listener.address
        silent = [await asyncio.open_connection(address.host, address.port) for _ in range(12)]
        assert await (await listener.connect()).get() == 200
        await until(lambda: listener.closed("handshake") >= 8)
        for _, writer in silent:
            writer.close()


async def test_a_handshake_that_does_not_go_on_is_given_up(listening: Listening) -> None:
    async with listening(handshake_seconds=0.05) as listener:
        reader, writer = await asyncio.open_connection(listener.address.host, listener.address.port)
        async with asyncio.timeout(10):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await reader.readexactly(1)
        writer.close()


async def test_nobody_is_taken_while_descriptors_are_short(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = 0
    accept = socket.socket.accept

    def short(self: socket.socket) -> object:
        nonlocal refused
        if refused < 2:
            refused += 1
            raise OSError(24, "Too many open files")
        return accept(self)

    async with listening() as listener:
        monkeypatch.setattr("services.platform.accept.TRY_AGAIN_SECONDS", 0.01)
        monkeypatch.setattr(socket.socket, "accept", short)
        assert await (await listener.connect()).get() == 200
        assert refused == 2


@pytest.mark.parametrize("part", [b"", HALF_HEAD, HALF_BODY], ids=["nothing", "head", "body"])
async def test_nothing_is_kept_of_a_connection_that_has_ended(listening: Listening, part: bytes) -> None:
    async with listening() as listener:
        connection = await (listener.half(part) if part else listener.connect())
        await until(lambda: listener.connections("all") == 1)
        with keeping_nothing_of_the_only_connection(listener) as is_gone:
            connection.writer.transport.abort()
            await until(is_gone)


async def test_nothing_is_kept_of_an_idle_connection_whose_client_does_not_even_hear_the_end(
    listening: Listening,
) -> None:
    async with listening(idle=0, idle_at_least_seconds=0.2) as listener:
        connection = await listener.connect()
        assert await connection.get() == 200
        connection.writer.transport.pause_reading()  # type: ignore[attr-defined]
        with keeping_nothing_of_the_only_connection(listener) as is_gone:
            await until(is_gone, listener.server.tick)


@contextmanager
def keeping_nothing_of_the_only_connection(listener: Listener) -> Iterator[Callable[[], bool]]:
    """What only a collection of garbage can find would stay for minutes; so there is none here."""
    (served,) = map(weakref.ref, listener.server._state.connections)
    gc.disable()
    try:
        yield lambda: served() is None
    finally:
        gc.enable()
