"""The wire against servers that answer byte by byte what a test says."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from services.platform.calls.transport import WireTransport
from services.platform.calls.wire import Broken, NotConnected, Pool, TooSlow, _Connection
from services.platform.injection.points import InjectionPoints
from services.platform.injection.spec import FaultSpec
from services.platform.settings import Address

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-One: 1\r\n\r\nok"


class Peer:
    """A server for one test: `script(number, request, writer)` answers the n-th request of a connection."""

    def __init__(self, script: Callable[[int, bytes, asyncio.StreamWriter], Awaitable[None]]) -> None:
        self._script = script
        self.connections = 0
        self.requests: list[bytes] = []
        self.closed_by_client = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = 0
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0
                )
                request = head + await reader.readexactly(length)
                self.requests.append(request)
                number += 1
                await self._script(number, request, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            self.closed_by_client.set()
        finally:
            writer.close()


@asynccontextmanager
async def peer_of(script, faults: InjectionPoints | None = None) -> AsyncIterator[tuple[Peer, Pool]]:
    peer = Peer(script)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    pool = Pool(Address(*server.sockets[0].getsockname()[:2]), None, faults=faults)
    try:
        yield peer, pool
    finally:
        await pool.close()
        server.close()


def saying(*answers: bytes):
    async def script(number, request, writer):
        writer.write(answers[min(number, len(answers)) - 1])

    return script


async def get(pool: Pool, **more):
    return await pool.send(b"GET", b"/a?b=c", [(b"accept", b"*/*")], seconds=2.0, **more)


async def test_a_request_and_its_answer_as_bytes():
    async with peer_of(saying(OK)) as (peer, pool):
        answer = await pool.send(b"POST", b"/a?b=c", [(b"x", b"y")], b"body", seconds=2.0)
        assert answer == (200, [(b"content-length", b"2"), (b"x-one", b"1")], b"ok")
        host = str(pool._address).encode()
        assert peer.requests == [
            b"POST /a?b=c HTTP/1.1\r\nhost: " + host + b"\r\nx: y\r\ncontent-length: 4\r\n\r\nbody"
        ]


async def test_connections_are_kept_and_shared():
    async with peer_of(saying(OK)) as (peer, pool):
        for _ in range(3):
            await get(pool)
        assert peer.connections == 1
        await asyncio.gather(*(get(pool) for _ in range(5)))
        assert peer.connections == 5
        await get(pool)
        assert peer.connections == 5


async def test_a_connection_that_is_old_is_not_used_again(monkeypatch):
    monkeypatch.setattr("services.platform.calls.wire.KEPT_SECONDS", 0.0)
    async with peer_of(saying(OK)) as (peer, pool):
        for _ in range(3):
            await get(pool)
        assert peer.connections == 3


async def test_what_is_let_go_answers_what_it_was_asked_and_is_not_used_again():
    go_on = asyncio.Event()

    async def script(number, request, writer):
        await go_on.wait()
        writer.write(OK)

    async with peer_of(script) as (peer, pool):
        asking = asyncio.ensure_future(get(pool))
        async with asyncio.timeout(5):
            while not peer.requests:  # noqa: ASYNC110 - what came is a list, not an event
                await asyncio.sleep(0.001)
        pool.let_go()
        go_on.set()
        assert (await asking).status == 200
        await get(pool)
        assert peer.connections == 2
        pool.let_go()
        await get(pool)
        assert peer.connections == 3


async def test_a_connection_that_cannot_be_made_is_told_with_its_reason():
    faults = InjectionPoints()
    async with peer_of(saying(OK), faults) as (_, pool):
        assert (await pool.reach()).error == ""
        faults.put("f", FaultSpec(kind="names-gone", seconds=60, delay=0))
        assert "Temporary failure in name resolution" in (await pool.reach()).error
        with pytest.raises(NotConnected, match="Temporary failure in name resolution"):
            await get(pool)
        faults.put("f", FaultSpec(kind="names-gone", seconds=60, delay=60))
        assert "accepts no connection" in (await pool.reach()).error


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"ok"),
    ],
)
async def test_bodies_of_every_kind(answer, body):
    async def in_pieces(number, request, writer):
        for index in range(len(answer)):
            writer.write(answer[index : index + 1])
            await writer.drain()

    async with peer_of(in_pieces) as (peer, pool):
        for _ in range(2):
            response = await get(pool)
            assert response.body == body
            assert not dict(response.headers).get(b"transfer-encoding")
        assert peer.connections == 1


async def test_a_body_may_end_with_the_connection():
    async def script(number, request, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        await writer.drain()
        writer.close()

    async with peer_of(script) as (_, pool):
        assert (await get(pool)).body == b"all of it"


async def test_a_head_has_a_length_but_no_body():
    async with peer_of(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")) as (_, pool):
        answer = await pool.send(b"HEAD", b"/", seconds=2.0)
        assert answer == (200, [(b"content-length", b"5")], b"")


async def test_a_server_that_closes_after_its_answer_is_called_anew():
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    async with peer_of(saying(closing)) as (peer, pool):
        await get(pool)
        await get(pool)
        assert peer.connections == 2


async def closes_second(number, request, writer):
    if number == 1:
        writer.write(OK)
    else:
        writer.close()


async def test_a_kept_connection_that_closes_unanswered_is_replaced_where_that_is_safe():
    async with peer_of(closes_second) as (peer, pool):
        await get(pool)
        assert (await get(pool, repeatable=True)).body == b"ok"
        assert peer.connections == 2


async def test_and_is_an_error_where_it_is_not_safe():
    async with peer_of(closes_second) as (peer, pool):
        await get(pool)
        with pytest.raises(Broken) as broken:
            await get(pool)
        assert broken.value.unanswered
        assert len(peer.requests) == 2


async def test_no_repetition_once_a_byte_came():
    async def script(number, request, writer):
        writer.write(OK if number == 1 else OK[:-1])
        if number == 2:
            await writer.drain()
            writer.close()

    async with peer_of(script) as (peer, pool):
        await get(pool)
        with pytest.raises(Broken) as broken:
            await get(pool, repeatable=True)
        assert not broken.value.unanswered
        assert len(peer.requests) == 2


async def test_what_is_not_http_costs_the_connection():
    async with peer_of(saying(b"SSH-2.0-hello\r\n\r\n")) as (peer, pool):
        for _ in range(2):
            with pytest.raises(Broken, match="not HTTP"):
                await get(pool)
        assert peer.connections == 2


async def test_an_answer_that_nobody_asked_for_is_given_to_nobody():
    async with peer_of(saying(OK + OK.replace(b"ok", b"ko"))) as (peer, pool):
        for _ in range(3):
            assert (await get(pool)).body == b"ok"
        assert peer.connections == 3


async def never(number, request, writer):
    await asyncio.sleep(60)


async def test_no_answer_in_time():
    async with peer_of(never) as (_, pool):
        with pytest.raises(TooSlow):
            await pool.send(b"GET", b"/", seconds=0.05)


async def test_cancelling_closes_the_connection():
    begun = asyncio.Event()

    async def script(number, request, writer):
        begun.set()

    async with peer_of(script) as (peer, pool):
        call = asyncio.create_task(get(pool))
        await begun.wait()
        call.cancel()
        await asyncio.wait_for(peer.closed_by_client.wait(), 2)
        assert call.cancelled() or call.cancelling()


async def test_nobody_there():
    with pytest.raises(NotConnected):
        await Pool(Address("127.0.0.1", 1), None).send(b"GET", b"/", seconds=1.0)


async def test_a_kernel_that_accepts_for_a_frozen_process_is_noticed_in_the_handshake(client_tls):
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        pool = Pool(Address(*frozen.getsockname()), lambda: client_tls, connect_seconds=0.1)
        with pytest.raises(NotConnected, match="accepts no connection"):
            await pool.send(b"GET", b"/", seconds=5.0)


async def test_a_stream_comes_piece_by_piece_and_is_closed():
    async def script(number, request, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in (b"one", b"two"):
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()

    async with peer_of(script) as (peer, pool):
        answer = await pool.stream(b"GET", b"/", seconds=1.0)
        assert answer.status == 200
        assert await anext(answer.body) + await anext(answer.body) == b"onetwo"
        answer.body.close()
        await asyncio.wait_for(peer.closed_by_client.wait(), 2)


async def test_a_stream_that_ends_and_one_that_is_cut():
    async def script(number, request, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        if len(peer.requests) == 1:
            writer.write(b"0\r\n\r\n")
        else:
            await writer.drain()
            writer.close()

    async with peer_of(script) as (peer, pool):
        answer = await pool.stream(b"GET", b"/", seconds=1.0)
        assert [piece async for piece in answer.body] == [b"a"]
        answer = await pool.stream(b"GET", b"/", seconds=1.0)
        assert await anext(answer.body) == b"a"
        with pytest.raises(Broken):
            await anext(answer.body)


async def test_a_slow_reader_of_a_stream_makes_the_server_wait():
    sent = 0

    async def script(number, request, writer):
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while sent < 64_000_000:
            writer.write(b"x" * 64_000)
            await writer.drain()
            sent += 64_000

    async with peer_of(script) as (_, pool):
        answer = await pool.stream(b"GET", b"/", seconds=1.0)
        before = -1
        while sent != before:
            before = sent
            await asyncio.sleep(0.05)
        assert sent < 16_000_000, "kernel buffers and ours, not everything"
        received = 0
        async for piece in answer.body:
            received += len(piece)
            if received > before + 1_000_000:
                break
        answer.body.close()


async def test_httpx_over_it():
    async with peer_of(saying(OK)) as (peer, pool):
        async with httpx.AsyncClient(transport=WireTransport(), timeout=2.0) as client:
            url = f"http://{pool._address}/a"
            answer = await client.post(url, json={"a": 1}, params={"q": "ä"})
            assert (answer.status_code, answer.text, answer.headers["x-one"]) == (200, "ok", "1")
            assert (await client.get(url)).is_success
        assert peer.connections == 1
        assert peer.requests[0].endswith(b'\r\n\r\n{"a":1}')


async def test_failures_as_httpx_names_them():
    async with httpx.AsyncClient(transport=WireTransport(), timeout=0.2) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("http://127.0.0.1:1/")
        async with peer_of(never) as (_, pool):
            with pytest.raises(httpx.ReadTimeout):
                await client.get(f"http://{pool._address}/")


async def test_a_connection_that_is_over_does_not_wait_for_the_garbage_collector():
    """It has large buffers where it is TLS."""
    gc.collect()
    gc.disable()
    try:
        for script in (saying(OK, OK), closes_second, saying(b"nonsense\r\n\r\n")):
            async with peer_of(script) as (_, pool):
                for _ in range(2):
                    with suppress(Broken):
                        await get(pool)
        for _ in range(5):  # turns of the loop, which lets go of what it has called
            await asyncio.sleep(0)
        assert not [one for one in gc.get_objects() if isinstance(one, _Connection)]
    finally:
        gc.enable()
