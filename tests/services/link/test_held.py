"""What a link does to the bytes that it relays while latency or loss is in force, and who may say so."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from services.link.control import Control
from services.link.relay import Relay
from services.link.routes import LinkRoute
from services.platform import genesis
from services.platform.injection.points import InjectionPoints
from services.platform.injection.spec import FaultSpec
from services.platform.settings import Address
from services.platform.tls import Credentials

ANY = Address("127.0.0.1", 0)
SOON = 5.0
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
def points() -> InjectionPoints:
    return InjectionPoints()


class Far(NamedTuple):
    """A link, and what is at its other end."""

    link: Address
    behind: Address


@pytest.fixture
async def far(points: InjectionPoints) -> AsyncIterator[Far]:
    """Somebody behind a link who sends back what he gets, and ends when the other does."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data)
        writer.close()

    async with AsyncExitStack() as stack:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        stack.callback(server.close)
        behind = Address("127.0.0.1", server.sockets[0].getsockname()[1])
        relay = Relay([LinkRoute(ANY, behind)], points)
        stack.callback(relay.close)
        (link,) = await relay.start()
        yield Far(link, behind)


@pytest.fixture
async def through(far: Far) -> AsyncIterator[Ends]:
    """A connection through it."""
    reader, writer = await asyncio.open_connection(far.link.host, far.link.port)
    writer.write(b"joined")
    assert await reader.readexactly(6) == b"joined"
    yield reader, writer
    writer.close()


async def test_latency_holds_both_directions_and_keeps_the_order(points, through):
    reader, writer = through
    points.put("late", FaultSpec(kind="latency", seconds=30, delay=0.1))
    began = asyncio.get_running_loop().time()
    writer.write(b"first")
    await asyncio.sleep(0.02)
    points.remove("late")
    writer.write(b"second")  # not held itself, but behind what is
    async with asyncio.timeout(SOON):
        assert await reader.readexactly(11) == b"firstsecond"
    assert asyncio.get_running_loop().time() - began >= 0.099
    points.put("late", FaultSpec(kind="latency", seconds=30, delay=0.1))
    began = asyncio.get_running_loop().time()
    writer.write(b"there and back")
    writer.write_eof()
    async with asyncio.timeout(SOON):
        assert await reader.read() == b"there and back", "an end comes after what was held"
    assert asyncio.get_running_loop().time() - began >= 0.199


async def test_loss_holds_for_a_retransmission_and_ends_what_never_arrives(points, through, monkeypatch):
    reader, writer = through
    points.put("lossy", FaultSpec(kind="loss", seconds=30, share=1e-9, seed=1))
    points.active()[0]._random = iter([0.0, 0.9, 0.9, 0.9]).__next__  # lost once, then no more
    began = asyncio.get_running_loop().time()
    writer.write(b"lost once")
    async with asyncio.timeout(SOON):
        assert await reader.readexactly(9) == b"lost once"
    assert asyncio.get_running_loop().time() - began >= 0.199
    monkeypatch.setattr("services.platform.injection.held.RETRANSMISSIONS", (0.01, 0.02))
    points.put("lossy", FaultSpec(kind="loss", seconds=30, share=1))
    writer.write(b"lost for good")
    async with asyncio.timeout(SOON):
        try:
            assert await reader.read() == b""
        except ConnectionError:
            pass


async def test_without_a_fault_nothing_is_kept(points, through):
    reader, writer = through
    points.put("over", FaultSpec(kind="latency", seconds=0.01, delay=60))
    await asyncio.sleep(0.02)
    writer.write(b"as ever")
    async with asyncio.timeout(SOON):
        assert await reader.readexactly(7) == b"as ever"
    assert points.inbound is None


async def test_beyond_a_partition_connections_end_and_no_other_comes_about(points, through, far, monkeypatch):
    reader, writer = through
    monkeypatch.setattr("services.link.relay.CONNECT_SECONDS", 0.05)
    points.put("one-way", FaultSpec(kind="partition-one-way", seconds=30, beyond=(str(far.behind),)))
    async with asyncio.timeout(SOON):
        assert await ended(reader)
        again, writer = await asyncio.open_connection(far.link.host, far.link.port)
        writer.write(b"nobody hears it")
        assert await ended(again)
        points.remove("one-way")
        again, writer = await asyncio.open_connection(far.link.host, far.link.port)
        writer.write(b"as ever")
        assert await again.readexactly(7) == b"as ever"
        writer.close()


async def ended(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() == b""
    except ConnectionError:
        return True


@pytest.fixture
async def ask(points: InjectionPoints, tmp_path: Path) -> AsyncIterator[Any]:
    genesis.make_certificates(tmp_path, ["link-east"])
    (tmp_path / "token").write_text("secret\n")
    control = Control(points, tmp_path / "token")
    address = await control.start(ANY, Credentials(tmp_path, "link-east"))
    tls = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    tls.check_hostname = False
    tls.load_cert_chain(tmp_path / "client.pem", tmp_path / "client.key")

    async def ask(method: str, path: str, body: object = None, token: str = "secret") -> tuple[int, Any]:
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nauthorization: Bearer {token}\r\n"
        reader, writer = await asyncio.open_connection(address.host, address.port, ssl=tls)
        writer.write(f"{head}content-length: {len(content)}\r\n\r\n".encode() + content)
        answer = await reader.read()
        writer.close()
        status, _, told = answer.partition(b"\r\n\r\n")
        return int(status.split()[1]), json.loads(told)

    yield ask
    control.close()


async def test_a_fault_is_set_told_and_ended_by_who_has_the_token(ask, points):
    wish = {"kind": "latency", "seconds": 30, "delay": 0.5, "share": 1, "users": None, "route": None}
    assert (await ask("GET", "/-/health", token="none"))[0] == 200
    assert (await ask("PUT", "/-/faults/a", wish, token="wrong"))[0] == 401
    assert points.active() == ()
    status, told = await ask("PUT", "/-/faults/a", wish)
    assert (status, told["id"], told["hits"]) == (200, "a", 0)
    assert [row["id"] for row in (await ask("GET", "/-/faults"))[1]] == ["a"]
    assert (await ask("DELETE", "/-/faults/a"))[1] == {"id": "a", "removed": True}
    assert (await ask("DELETE", "/-/faults/a"))[1] == {"id": "a", "removed": False}
    assert points.active() == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "errors", "seconds": 1},
        {"kind": "latency", "seconds": 1},
        {"kind": "latency", "seconds": 1, "delay": 1, "route": "/x"},
        {"kind": "loss", "seconds": 1, "users": 0.5},
        {"kind": "loss", "seconds": 1, "store": "a:1"},
        [],
    ],
)
async def test_what_a_link_cannot_do_is_refused_with_a_reason(ask, points, wrong):
    status, told = await ask("PUT", "/-/faults/a", wrong)
    assert status == 422
    assert told["title"]
    assert points.active() == ()


async def test_what_is_no_request_gets_no_endpoint(ask):
    assert (await ask("GET", "/-/protections"))[0] == 404
    assert (await ask("POST", "/-/faults/a"))[0] == 404
    assert (await ask("PUT", "/-/faults/"))[0] == 404
