"""A partition between real servers; and the bench's own network, in which what crosses a border that is cut
waits, and arrives when it is healed."""

from __future__ import annotations

import asyncio
import io

import pytest
from rich.console import Console

from bench import partition
from bench.partition import Border, Run, table_of
from services.platform.settings import Address

SOON = 10.0
A_WHILE = 0.2


async def test_a_cut_border_delivers_nothing_and_a_healed_one_all() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    target = Address("127.0.0.1", server.sockets[0].getsockname()[1])
    border = Border()
    within, across = await border.listen(target, "east", "east"), await border.listen(target, "east")

    async def connect(address: Address, here: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(address.host, address.port, local_addr=(here, 0))

    async with asyncio.timeout(SOON):
        beside, opposite = await connect(within, "127.0.0.1"), await connect(across, "127.0.2.1")
        border.cut("east")
        late = await connect(across, "127.0.3.1")
        for _, writer in (beside, opposite, late):
            writer.write(b"hello")
        assert await beside[0].readexactly(5) == b"hello"
        waiting = [asyncio.create_task(reader.readexactly(5)) for reader, _ in (opposite, late)]
        done, _ = await asyncio.wait(waiting, timeout=A_WHILE)
        assert not done
        border.heal()
        assert await asyncio.gather(*waiting) == [b"hello", b"hello"]

        border.cut("west")
        opposite[1].write(b"again")
        late[1].write(b"again")
        assert await late[0].readexactly(5) == b"again", "between east and the witness nothing is cut"
        border.heal()
        assert await opposite[0].readexactly(5) == b"again"
        for _, writer in (beside, opposite, late):
            writer.close()
    server.close()


async def test_a_partition_with_writers_on_both_sides_loses_no_acknowledged_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(partition, "CUT_SECONDS", 2.0)
    (run,) = await partition.measure("now", 1, Console(file=io.StringIO()))
    assert not run.lost_although_replicated
    assert run.lost == [] or run.promotions > 1, "one promotion loses nothing that was acknowledged"
    assert run.promotions, "nobody was promoted"
    assert len(run.acknowledged) > 300
    assert run.refused, "nobody was cut off"


def test_the_table_tells_what_was_lost_and_what_was_said_of_it() -> None:
    good = Run(acknowledged={1: True, 2: True}, stood_still=1.0)
    bad = Run(acknowledged={1: True, 2: False, 3: False}, lost=[1, 2], refused=7, stood_still=3.0)
    console = Console(file=io.StringIO(), width=160)
    console.print(table_of({"so": [good, bad, bad]}))
    row = next(line for line in console.file.getvalue().splitlines() if " so " in line)
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells == ["so", "3", "8", "4", "2 (0 to 2)", "2", "14", "3.0 s (to 3.0)"]
