"""httpx on our own wire: its API, without its pool."""

from __future__ import annotations

import ssl

import httpx

from services.platform.calls.wire import NotConnected, Pool, TooSlow, WireError
from services.platform.settings import Address

DEFAULT_SECONDS = 5.0

_PORTS = {"http": 80, "https": 443}
_REPEATABLE = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"})
_SET_BY_THE_POOL = frozenset({b"host", b"connection", b"content-length", b"transfer-encoding"})


class WireTransport(httpx.AsyncBaseTransport):
    """For `httpx.AsyncClient(transport=...)`. Answers are read whole; for event streams there is
    Caller.stream.

    Of httpx's timeouts `connect` and `read` are honoured, the latter as the time until the answer is
    complete.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        """`tls` is needed for https addresses."""
        self._tls = tls
        self._pools: dict[tuple[str, str, int, float], Pool] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        timeouts = request.extensions.get("timeout", {})
        pool = self._pool(request.url, timeouts.get("connect") or DEFAULT_SECONDS)
        method = request.method.encode("ascii")
        headers = [(name.lower(), value) for name, value in request.headers.raw]
        try:
            answer = await pool.send(
                method,
                request.url.raw_path,
                [header for header in headers if header[0] not in _SET_BY_THE_POOL],
                await request.aread(),
                seconds=timeouts.get("read") or DEFAULT_SECONDS,
                repeatable=method in _REPEATABLE,
            )
        except NotConnected as error:
            raise httpx.ConnectError(str(error), request=request) from error
        except TooSlow as error:
            raise httpx.ReadTimeout(str(error), request=request) from error
        except WireError as error:
            raise httpx.RemoteProtocolError(str(error), request=request) from error
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body)

    async def aclose(self) -> None:
        for pool in self._pools.values():
            await pool.close()

    def _pool(self, url: httpx.URL, connect_seconds: float) -> Pool:
        port = url.port or _PORTS[url.scheme]
        key = (url.scheme, url.host, port, connect_seconds)
        pool = self._pools.get(key)
        if pool is None:
            context = self._tls if url.scheme == "https" else None
            if url.scheme == "https" and context is None:
                raise httpx.UnsupportedProtocol("no TLS context was given for https")
            tls = None if context is None else lambda: context
            pool = self._pools[key] = Pool(Address(url.host, port), tls, connect_seconds=connect_seconds)
        return pool
