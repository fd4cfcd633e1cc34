"""A dump of the store as a server sends it to a replica: everything as of one moment, without a pause."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from pathlib import Path

from services.maintenance.job import JobFailed
from services.platform.access import Access
from services.platform.names import look_up
from services.platform.settings import Address

SILENCE_SECONDS = 10.0
"""A server that prepares a dump sends a sign of life each second."""

_AT_ONCE = 1 << 18
_MARK = 40


async def dump(address: Address, access: Access, path: Path) -> None:
    """Write what the server at `address` has to `path`, as an RDB file. Raises JobFailed, OSError."""
    async with asyncio.timeout(SILENCE_SECONDS):
        host, *_ = await look_up(address.host)
        reader, writer = await asyncio.open_connection(host, address.port, limit=_AT_ONCE)
    try:
        await _say(reader, writer, "AUTH", *access)
        # `eof`: it may send while it dumps, and need not write a file of its own first.
        await _say(reader, writer, "REPLCONF", "capa", "eof")
        await _say(reader, writer, "REPLCONF", "rdb-only", "1")
        await _say(reader, writer, "PSYNC", "?", "-1")
        header = await _line(reader)
        with path.open("wb") as file:
            if header.startswith(b"$EOF:"):
                await _until_mark(reader, header.removeprefix(b"$EOF:"), file.write)
            else:
                await _so_many(reader, int(header.removeprefix(b"$")), file.write)
    except (EOFError, ValueError) as error:
        raise JobFailed(f"{address} sent no whole dump: {error}") from error
    finally:
        writer.close()


async def _say(reader: StreamReader, writer: StreamWriter, *words: str) -> None:
    """One command that is answered with a word. Raises JobFailed when it is refused."""
    parts = [f"*{len(words)}\r\n", *(f"${len(word.encode())}\r\n{word}\r\n" for word in words)]
    writer.write("".join(parts).encode())
    answer = await _line(reader)
    if not answer.startswith(b"+"):
        raise JobFailed(f"the store refuses {words[0]}: {answer.decode(errors='replace')}")


async def _line(reader: StreamReader) -> bytes:
    """The next line that is not empty: those are signs of life."""
    while True:
        async with asyncio.timeout(SILENCE_SECONDS):
            line = await reader.readuntil(b"\n")
        if line.strip():
            return line.strip()


async def _piece(reader: StreamReader, most: int = _AT_ONCE) -> bytes:
    async with asyncio.timeout(SILENCE_SECONDS):
        piece = await reader.read(most)
    if not piece:
        raise EOFError("the connection ended")
    return piece


async def _so_many(reader: StreamReader, left: int, write: Callable[[bytes], object]) -> None:
    while left:
        piece = await _piece(reader, min(left, _AT_ONCE))
        left -= len(piece)
        write(piece)


async def _until_mark(reader: StreamReader, mark: bytes, write: Callable[[bytes], object]) -> None:
    """The mark is random, and cannot be in a dump by chance."""
    if len(mark) != _MARK:
        raise ValueError(f"{mark!r} is no mark of an end")
    held = b""
    while not held.endswith(mark):
        held += await _piece(reader)
        if not held.endswith(mark):
            write(held[:-_MARK])
            held = held[-_MARK:]
    write(held[:-_MARK])
