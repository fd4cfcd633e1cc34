"""Looking names up while they do not resolve for a long time, or at all."""

from __future__ import annotations

import asyncio
import socket

import pytest

from services.platform import names
from services.platform.settings import Address

ATTEMPTS = 3000


class Resolver:
    """The system's resolver: it says nothing until it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.under_way = 0
        self.most_under_way = 0
        self.answers = asyncio.Event()
        self.addresses: tuple[str, ...] = ()

    async def __call__(self, host: str) -> tuple[str, ...]:
        self.asked.append(host)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.answers.wait()
        finally:
            self.under_way -= 1
        if not self.addresses:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return self.addresses


@pytest.fixture
async def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    resolver = Resolver()
    monkeypatch.setattr(names, "_ask_system", resolver)
    return resolver


async def give_up() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await names.look_up("store-east")


async def test_thousands_who_give_up_leave_one_look_up_and_nothing_else(resolver, caplog):
    before = len(asyncio.all_tasks())
    for _ in range(ATTEMPTS // 100):
        await asyncio.gather(*(give_up() for _ in range(100)))
    assert resolver.asked == ["store-east"]
    assert len(asyncio.all_tasks()) <= before + 1
    resolver.answers.set()
    while names._under_way:  # noqa: ASYNC110 - it is forgotten in a turn of the loop or two
        await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == before
    assert not caplog.records, "that it failed in the end is no error when nobody waits for it"


async def test_a_failure_is_told_to_all_who_wait_and_is_not_remembered(resolver):
    resolver.answers.set()
    failures = await asyncio.gather(*(names.look_up("store-east") for _ in range(3)), return_exceptions=True)
    assert [type(failure) for failure in failures] == [socket.gaierror] * 3
    resolver.addresses = ("127.0.0.1",)
    assert await names.look_up("store-east") == ("127.0.0.1",)
    assert resolver.asked == ["store-east"] * 2


async def test_a_name_that_hangs_holds_up_no_other_name(resolver, monkeypatch):
    waiting = asyncio.create_task(names.look_up("store-east"))
    await asyncio.sleep(0)
    monkeypatch.undo()
    assert "127.0.0.1" in await names.look_up("localhost")
    assert not waiting.done()
    resolver.answers.set()
    with pytest.raises(socket.gaierror):
        await waiting


async def test_it_connects_to_the_first_address_that_accepts(resolver):
    resolver.answers.set()
    resolver.addresses = ("127.0.0.2", "127.0.0.1")
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connected = await names.connect(asyncio.Protocol, Address("store-east", port))
    assert isinstance(connected, asyncio.Protocol)
    server.close()
    with pytest.raises(ConnectionRefusedError):
        await names.connect(asyncio.Protocol, Address("store-east", port))


async def test_a_numeric_address_is_its_own():
    assert await names.look_up("127.0.0.1") == ("127.0.0.1",)
