"""Looking names up, and connecting by name, while names may not resolve for a long time.

A look-up runs in a thread that nobody can stop: who gives up waiting frees no thread. So there is one under
way for each name, and whoever asks meanwhile waits for that one. Otherwise each attempt to connect to a place
that is cut off would leave another look-up in the queue, and once the network is mended all of them would
have to be worked off first.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import TypeVar

from services.platform.settings import Address

_Protocol = TypeVar("_Protocol", bound=asyncio.BaseProtocol)

_under_way: dict[tuple[asyncio.AbstractEventLoop, str], asyncio.Task[tuple[str, ...]]] = {}


async def look_up(host: str) -> tuple[str, ...]:
    """The numeric addresses of a host, asked anew unless somebody asks just now. Raises OSError.

    It takes as long as the system's resolver takes: give up by cancelling, which costs nothing.
    """
    loop = asyncio.get_running_loop()
    key = (loop, host)
    task = _under_way.get(key)
    if task is None:
        task = _under_way[key] = loop.create_task(_ask_system(host))
        task.add_done_callback(lambda done: _forget(key, done))
    return await asyncio.shield(task)


async def connect(
    protocol: Callable[[], _Protocol], address: Address, tls: ssl.SSLContext | None = None
) -> _Protocol:
    """Connect to the first of a name's addresses that accepts. Raises OSError, also for a bad certificate."""
    loop = asyncio.get_running_loop()
    name = None if tls is None else address.host
    refusal: OSError | None = None
    for host in await look_up(address.host):
        try:
            _, connected = await loop.create_connection(
                protocol, host, address.port, ssl=tls, server_hostname=name
            )
        except OSError as error:
            refusal = error
        else:
            return connected
    raise refusal or OSError(f"{address.host} has no address")


async def _ask_system(host: str) -> tuple[str, ...]:
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(row[4][0]) for row in found))


def _forget(key: tuple[asyncio.AbstractEventLoop, str], task: asyncio.Task[tuple[str, ...]]) -> None:
    del _under_way[key]
    if not task.cancelled():
        task.exception()  # all who asked may have given up by now; that is no error to log
