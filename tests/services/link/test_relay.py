"""The relay between two ends that do what ends of connections do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from services.link import relay as module
from services.link.relay import Relay
from services.link.routes import LinkRoute
from services.platform import names
from services.platform.injection.points import InjectionPoints
from services.platform.settings import Address

SOON = 5.0
MANY = 32 * 1024 * 1024
ANY = Address("127.0.0.1", 0)

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(SOON):
        while not condition():  # noqa: ASYNC110 - a connection has no event that says that it is forgotten
            await asyncio.sleep(0.01)


class Line:
    """A relay, and both ends of what goes through it."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self.arrived: asyncio.Queue[Ends] = asyncio.Queue()
        self.relay: Relay

    async def listen(self) -> Address:
        """Somebody to connect to."""

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._stack.callback(writer.close)
            self.arrived.put_nowait((reader, writer))

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self._stack.callback(server.close)
        return Address("127.0.0.1", server.sockets[0].getsockname()[1])

    async def to(self, target: Address) -> Address:
        """A relay to there; returns where it listens."""
        self.relay = Relay([LinkRoute(ANY, target)])
        self._stack.callback(self.relay.close)
        (address,) = await self.relay.start()
        return address

    async def connect(self, address: Address) -> Ends:
        reader, writer = await asyncio.open_connection(address.host, address.port)
        self._stack.callback(writer.close)
        return reader, writer

    async def joined(self) -> tuple[Ends, Ends]:
        """A connection through a relay: its near and its far end."""
        near = await self.connect(await self.to(await self.listen()))
        async with asyncio.timeout(SOON):
            return near, await self.arrived.get()


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    async with AsyncExitStack() as stack:
        yield Line(stack)


async def within(seconds: float, what: Awaitable[bytes]) -> bytes:
    async with asyncio.timeout(seconds):
        return await what


async def ended(reader: asyncio.StreamReader) -> None:
    """Until the connection has ended, in whichever way."""
    try:
        assert await within(SOON, reader.read()) == b""
    except ConnectionResetError:
        pass


async def test_both_directions_are_relayed_and_what_comes_at_once_too(line):
    near = await line.connect(await line.to(await line.listen()))
    near[1].write(b"before anybody is there")
    far = await line.arrived.get()
    assert await within(SOON, far[0].readexactly(23)) == b"before anybody is there"
    far[1].write(b"back")
    assert await within(SOON, near[0].readexactly(4)) == b"back"


async def test_one_direction_may_end_before_the_other(line):
    near, far = await line.joined()
    near[1].write(b"question")
    near[1].write_eof()
    assert await within(SOON, far[0].read()) == b"question"
    far[1].write(b"answer")
    far[1].write_eof()
    assert await within(SOON, near[0].read()) == b"answer"
    await until(lambda: not line.relay.ends)


async def test_an_end_that_says_nothing_more_before_the_other_is_there(line):
    near = await line.connect(await line.to(await line.listen()))
    near[1].write_eof()
    far = await line.arrived.get()
    assert await within(SOON, far[0].read()) == b""
    far[1].write(b"still heard")
    far[1].close()
    assert await within(SOON, near[0].read()) == b"still heard"


@pytest.mark.parametrize("who", [0, 1])
async def test_when_one_end_goes_the_other_goes_too(line, who):
    ends = await line.joined()
    ends[who][1].close()
    await ended(ends[1 - who][0])
    ends[1 - who][1].close()
    await until(lambda: not line.relay.ends)


async def test_a_reader_that_is_slow_gets_all_of_it_and_the_writer_waits(line):
    near, far = await line.joined()
    near[1].write(b"x" * MANY)
    near[1].write_eof()
    transports = [end._transport for end in line.relay.ends]
    # Reading stops long before all of it is in the relay's memory.
    await until(lambda: any(not transport.is_reading() for transport in transports))
    assert max(transport.get_write_buffer_size() for transport in transports) < MANY / 8
    assert len(await within(4 * SOON, far[0].read())) == MANY


async def test_a_target_that_refuses_ends_the_connection_at_once(line):
    target = await line.listen()
    await line._stack.aclose()
    reader, _ = await line.connect(await line.to(target))
    began = asyncio.get_running_loop().time()
    await ended(reader)
    assert asyncio.get_running_loop().time() - began < module.CONNECT_SECONDS
    await until(lambda: not line.relay.ends)


async def test_a_name_that_does_not_resolve_in_time_ends_it_too(line, monkeypatch):
    answer = asyncio.Event()
    asked = []

    async def slowly(host: str) -> tuple[str, ...]:
        asked.append(host)
        await answer.wait()
        return ("127.0.0.1",)

    monkeypatch.setattr(names, "_ask_system", slowly)
    target = await line.listen()
    address = await line.to(Address("store-west", target.port))
    for _ in range(3):
        reader, _ = await line.connect(address)
        await ended(reader)
    assert asked == ["store-west"], "one look-up, not one for each connection"
    answer.set()
    near = await line.connect(address)
    near[1].write(b"mended")
    far = await line.arrived.get()
    assert await within(SOON, far[0].readexactly(6)) == b"mended"
    assert asked == ["store-west"] * (2 if len(asked) == 2 else 1)


async def test_who_gives_up_before_the_target_is_there_leaves_nothing_behind(line, monkeypatch):
    monkeypatch.setattr(names, "_ask_system", lambda host: asyncio.sleep(3600, ()))
    _, writer = await line.connect(await line.to(Address("store-west", 1)))
    await until(lambda: line.relay.ends)
    writer.close()
    await until(lambda: not line.relay.ends)
    for task in list(names._under_way.values()):
        task.cancel()


async def test_at_its_end_it_cuts_all_connections(line):
    near, far = await line.joined()
    line.relay.close()
    await ended(near[0])
    await ended(far[0])
    with pytest.raises(ConnectionRefusedError):
        await line.connect(Address("127.0.0.1", near[1].get_extra_info("peername")[1]))


class Wire(asyncio.Transport):
    """A transport that notes what is done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[object] = []

    def write(self, data: object) -> None:
        self.done.append(data)

    def write_eof(self) -> None:
        self.done.append("end of data")

    def close(self) -> None:
        self.done.append("closed")

    def is_closing(self) -> bool:
        return "closed" in self.done

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


@pytest.mark.parametrize(
    ("early", "handed_on"),
    [
        (["data"], [b"-ERR too many"]),
        (["data", "end"], [b"-ERR too many", "end of data"]),
        (["end"], ["end of data"]),
        (["data", "lost"], [b"-ERR too many", "closed"]),
        (["lost"], ["closed"]),
    ],
)
def test_a_far_end_that_is_quicker_than_the_joining_loses_nothing(monkeypatch, early, handed_on):
    monkeypatch.setattr(module, "keep_alive", lambda connection: None)
    near, far, wire = module._End(set(), InjectionPoints()), module._End(set(), InjectionPoints()), Wire()
    near.connection_made(wire)
    far.connection_made(Wire())
    for what in early:
        if what == "data":
            far.data_received(b"-ERR too many")
        elif what == "end":
            assert far.eof_received()
        else:
            far.connection_lost(None)
    near.join(far)
    assert wire.done == handed_on


def test_both_ends_that_are_quicker_than_the_joining_are_closed(monkeypatch):
    monkeypatch.setattr(module, "keep_alive", lambda connection: None)
    near, far, wires = (
        module._End(set(), InjectionPoints()),
        module._End(set(), InjectionPoints()),
        (Wire(), Wire()),
    )
    for end, wire in zip((near, far), wires, strict=True):
        end.connection_made(wire)
        end.data_received(b"last words")
        end.eof_received()
    near.join(far)
    assert [wire.done for wire in wires] == [[b"last words", "closed"]] * 2
