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

from services.platform.injection.applied import AppliedFault
from services.platform.injection.points import InjectionPoints
from services.platform.settings import Address
from services.platform.tasks import first_of

_Protocol = TypeVar("_Protocol", bound=asyncio.BaseProtocol)

_under_way: dict[tuple[asyncio.AbstractEventLoop, str], asyncio.Task[tuple[str, ...]]] = {}


async def look_up(host: str, faults: InjectionPoints | None = None) -> tuple[str, ...]:
    """The numeric addresses of a host, asked anew unless somebody asks just now. Raises OSError.

    It takes as long as the system's resolver takes: give up by cancelling, which costs nothing. `faults` may
    hurt it.
    """
    if faults is not None:
        await _suffer(faults)
    loop = asyncio.get_running_loop()
    key = (loop, host)
    task = _under_way.get(key)
    if task is None:
        task = _under_way[key] = loop.create_task(_ask_system(host))
        task.add_done_callback(lambda done: _forget(key, done))
    return await asyncio.shield(task)


async def connect(
    protocol: Callable[[], _Protocol],
    address: Address,
    tls: ssl.SSLContext | None = None,
    faults: InjectionPoints | None = None,
    part: str | None = None,
) -> _Protocol:
    """Connect to the first of a name's addresses that accepts. Raises OSError, also for a bad certificate.

    `faults` may hurt it. `part` is what the certificate of whoever is meant calls that (`post-east`): where
    names lead to somebody else that is asked for, since plain processes all have the name of the machine.
    """
    loop = asyncio.get_running_loop()
    name = None if tls is None else address.host
    if faults is not None and (fault := faults.of("names-wrong")) is not None and fault.fault.leads_to:
        faults.hit(fault)
        address, name = Address.parse(fault.fault.leads_to), name and (part or name)
    if faults is not None and (fault := faults.of("partition-one-way")) is not None:
        await _get_nowhere(faults, fault, address)
    refusal: OSError | None = None
    for host in await look_up(address.host, faults):
        try:
            _, connected = await loop.create_connection(
                protocol, host, address.port, ssl=tls, server_hostname=name
            )
        except OSError as error:
            refusal = error
        else:
            return connected
    raise refusal or OSError(f"{address.host} has no address")


async def _suffer(faults: InjectionPoints) -> None:
    """Wait as for a resolver that is slow, or dead. Raises OSError."""
    applied = faults.of("names-gone", "names-slow")
    if applied is None:
        return
    faults.hit(applied)
    await first_of(applied.ended.wait(), seconds=min(applied.fault.delay, faults.remaining(applied)))
    if applied.fault.kind == "names-gone" and not applied.ended.is_set():
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


async def _get_nowhere(faults: InjectionPoints, fault: AppliedFault, address: Address) -> None:
    """Wait as for an answer to what never arrived, where the address is beyond a partition."""
    if str(address) in fault.fault.beyond:
        faults.hit(fault)
        await fault.ended.wait()


async def _ask_system(host: str) -> tuple[str, ...]:
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(row[4][0]) for row in found))


def _forget(key: tuple[asyncio.AbstractEventLoop, str], task: asyncio.Task[tuple[str, ...]]) -> None:
    del _under_way[key]
    if not task.cancelled():
        task.exception()  # all who asked may have given up by now; that is no error to log
