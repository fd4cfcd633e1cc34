"""Looking names up while they do not resolve for a long time, or at all."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest
from pydantic import ValidationError

from services.platform import genesis, names, pki
from services.platform.injection.points import InjectionPoints
from services.platform.injection.spec import FaultSpec
from services.platform.settings import Address
from services.platform.tls import Credentials

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


# --- hurt by a fault ---


@pytest.fixture
def faults() -> InjectionPoints:
    return InjectionPoints()


def road(kind: str, **more: object) -> FaultSpec:
    return FaultSpec.model_validate({"kind": kind, "seconds": 60, **more})


async def test_names_that_are_gone_fail_as_a_dead_resolver_does(faults):
    faults.put("f", road("names-gone", delay=0.1))
    began = asyncio.get_running_loop().time()
    with pytest.raises(socket.gaierror) as error:
        await names.look_up("127.0.0.1", faults)
    assert error.value.errno == socket.EAI_AGAIN
    assert asyncio.get_running_loop().time() - began >= 0.099
    assert faults.active()[0].hits == 1
    assert await names.look_up("127.0.0.1") == ("127.0.0.1",), "another part"


async def test_slow_names_are_late_and_right(faults):
    faults.put("f", road("names-slow", delay=0.1))
    began = asyncio.get_running_loop().time()
    assert await names.look_up("127.0.0.1", faults) == ("127.0.0.1",)
    assert asyncio.get_running_loop().time() - began >= 0.099


@pytest.mark.parametrize("kind", ["names-gone", "names-slow"])
async def test_who_waits_for_a_name_gets_it_when_the_fault_ends(faults, kind):
    faults.put("f", road(kind, delay=60))
    waiting = asyncio.ensure_future(names.look_up("127.0.0.1", faults))
    async with asyncio.timeout(5):
        while not faults.active()[0].hits:  # noqa: ASYNC110 - the hit is a number, not an event
            await asyncio.sleep(0.001)
        faults.remove("f")
        assert await waiting == ("127.0.0.1",)


async def test_a_wrong_name_leads_to_somebody_else(faults):
    met = asyncio.Event()

    async def meet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.set()
        writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    faults.put("f", road("names-wrong", leads_to=f"127.0.0.1:{port}"))
    await names.connect(asyncio.Protocol, Address("127.0.0.1", 1), faults=faults)
    async with asyncio.timeout(5):
        await met.wait()
    server.close()


async def test_nothing_gets_beyond_a_partition_until_it_ends_and_the_rest_does(faults):
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    beyond = Address("127.0.0.1", server.sockets[0].getsockname()[1])
    faults.put("f", road("partition-one-way", beyond=["127.0.0.1:1"]))
    await names.connect(asyncio.Protocol, beyond, faults=faults)
    faults.put("f", road("partition-one-way", beyond=[str(beyond)]))
    connecting = asyncio.ensure_future(names.connect(asyncio.Protocol, beyond, faults=faults))
    async with asyncio.timeout(5):
        while not faults.active()[0].hits:  # noqa: ASYNC110 - the hit is a number, not an event
            await asyncio.sleep(0.001)
        assert not connecting.done()
        faults.remove("f")
        await connecting
    server.close()


async def test_who_is_not_meant_is_refused_for_a_wrong_name_also_where_all_parts_have_one_address(
    faults, tmp_path
):
    """On plain processes every certificate is good for 127.0.0.1."""
    genesis.make_certificates(tmp_path, ["frontend-east", "post-east", "prober"])
    tls = {name: Credentials(pki.folder_of(tmp_path, name), name) for name in ("frontend-east", "prober")}
    server = await asyncio.get_running_loop().create_server(
        asyncio.Protocol, "127.0.0.1", 0, ssl=tls["prober"].internal
    )
    somebody_else = Address("127.0.0.1", server.sockets[0].getsockname()[1])
    ours = tls["frontend-east"].client
    await names.connect(asyncio.Protocol, somebody_else, ours, faults, "post-east")
    faults.put("f", road("names-wrong", leads_to=str(somebody_else)))
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for 'post-east'"):
        await names.connect(asyncio.Protocol, Address("127.0.0.1", 1), ours, faults, "post-east")
    server.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "names-wrong"},
        {"kind": "names-wrong", "leads_to": "nowhere"},
        {"kind": "names-gone", "leads_to": "a:1"},
    ],
)
def test_what_is_no_fault_of_names(wrong):
    with pytest.raises(ValidationError):
        road(**wrong)
