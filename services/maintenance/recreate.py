"""The commands that make keys anew, as a server has them: by what they hold, so that a server of another
kind, and with another format, understands them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, cast

from redis.asyncio import Redis

from services.maintenance.job import JobFailed
from services.platform.store.connection import Command

_AT_A_TIME = 500
"""Keys."""
_ARGUMENTS = 1000
"""Of one command: the server does nothing else meanwhile."""


Source = Any
"""A client whose answers are bytes, which redis-py's types do not know."""


async def commands(source: Redis, but: Sequence[bytes] = ()) -> AsyncIterator[Command]:
    """For every key of this server but some, and those that expire meanwhile. Raises JobFailed for a type
    that the site does not know."""
    cursor, client = 0, cast(Source, source)
    while True:
        cursor, keys = await client.scan(cursor, count=_AT_A_TIME)
        wanted = [key for key in keys if key not in but]
        async with client.pipeline(transaction=False) as pipeline:
            for key in wanted:
                pipeline.type(key).pttl(key)
            told = await pipeline.execute()
        for key, kind, left in zip(wanted, told[::2], told[1::2], strict=True):
            if kind not in _MAKERS:
                raise JobFailed(f"the backup has {key!r}, a {kind.decode()}, which the site does not know")
            for command in await _MAKERS[kind](client, key):
                yield command
            if left > 0:
                yield ("PEXPIRE", key, left)
        if cursor == 0:
            return


def _split(name: str, key: bytes, arguments: Sequence[Any]) -> list[Command]:
    return [
        (name, key, *arguments[begin : begin + _ARGUMENTS]) for begin in range(0, len(arguments), _ARGUMENTS)
    ]


async def _string(source: Source, key: bytes) -> list[Command]:
    value = await source.get(key)
    return [] if value is None else [("SET", key, value)]


async def _hash(source: Source, key: bytes) -> list[Command]:
    return _split("HSET", key, _flat(await source.hgetall(key)))


async def _set(source: Source, key: bytes) -> list[Command]:
    return _split("SADD", key, list(await source.smembers(key)))


async def _sorted_set(source: Source, key: bytes) -> list[Command]:
    entries = await source.zrange(key, 0, -1, withscores=True)
    return _split("ZADD", key, [part for member, score in entries for part in (repr(score), member)])


async def _stream(source: Source, key: bytes) -> list[Command]:
    """With its groups. What one of them has not acknowledged is delivered to it again: consumers can bear
    that, and who was to handle it is gone."""
    entries = await source.xrange(key)
    made: list[Command] = [("XADD", key, entry, *_flat(fields)) for entry, fields in entries]
    for group in await source.xinfo_groups(key):
        at = group["last-delivered-id"]
        if group["pending"]:
            at = _before((await source.xpending(key, group["name"]))["min"])
        made.append(("XGROUP", "CREATE", key, group["name"], at, "MKSTREAM"))
    if made:
        made.append(("XSETID", key, (await source.xinfo_stream(key))["last-generated-id"]))
    return made


def _flat(fields: dict[bytes, bytes]) -> list[bytes]:
    return [part for pair in fields.items() for part in pair]


def _before(entry: bytes) -> str:
    """The greatest id that is less than this one."""
    milliseconds, _, number = entry.decode().partition("-")
    if int(number) > 0:
        return f"{milliseconds}-{int(number) - 1}"
    return f"{int(milliseconds) - 1}-{2**64 - 1}"


async def _gone(source: Source, key: bytes) -> list[Command]:
    """It has expired since it was found."""
    return []


_MAKERS: dict[bytes, Callable[[Source, bytes], Awaitable[list[Command]]]] = {
    b"none": _gone,
    b"string": _string,
    b"hash": _hash,
    b"set": _set,
    b"zset": _sorted_set,
    b"stream": _stream,
}
