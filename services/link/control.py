"""The control endpoints of the link: as with a service, but only what sets its injection points.

Mutual TLS, and the site's token. The standard library does it: with a framework the link would take ten times
the memory that it needs.
"""

from __future__ import annotations

import asyncio
import http.client
import json
from http import HTTPStatus
from io import BytesIO
from pathlib import Path

from services.platform.injection.endpoints import FaultEndpoints
from services.platform.injection.points import InjectionPoints
from services.platform.injection.spec import HOLDING, FaultSpec
from services.platform.settings import Address
from services.platform.tls import Credentials

PATIENCE_SECONDS = 2.0
"""For a request to arrive."""
LARGEST_BODY = 16 * 1024
_KINDS = (*HOLDING, "partition-one-way")


class Control:
    """Sets, tells and ends the injection points of one link."""

    def __init__(self, faults: InjectionPoints, token: Path) -> None:
        self._endpoints = FaultEndpoints(faults, token, _refusal)
        self._server: asyncio.Server | None = None

    async def start(self, listen: Address, credentials: Credentials) -> Address:
        """Listen; returns the address, with the port that was given where it was 0. Raises OSError."""
        self._server = await asyncio.start_server(
            self._serve, listen.host, listen.port, ssl=credentials.internal, limit=LARGEST_BODY
        )
        return Address(listen.host, self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                status, content = await self._answer(reader)
                writer.write(_response(status, content))
                await writer.drain()
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            pass  # who sends no request gets no answer
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[HTTPStatus, object]:
        """The answer to the one request of a connection. Raises ValueError, EOFError, LimitOverrunError for
        what is none."""
        head = await reader.readuntil(b"\r\n\r\n")
        first, _, rest = head.partition(b"\r\n")
        method, path, _ = first.decode("ascii").split()
        headers = http.client.parse_headers(BytesIO(rest))
        length = int(headers.get("content-length", "0"))
        if not 0 <= length <= LARGEST_BODY:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"title": "Too large"}
        body = await reader.readexactly(length)
        if (method, path) == ("GET", "/-/health"):
            return HTTPStatus.OK, {"status": "alive"}
        return self._endpoints.answer(method, path, headers.get("authorization", ""), body)


def _refusal(fault: FaultSpec) -> str:
    """Why a link cannot have this fault; empty when it can."""
    of_bytes = fault.kind in _KINDS and (fault.route, fault.users, fault.callers, fault.store) == (None,) * 4
    return "" if of_bytes else "A link knows bytes only, and holds or drops them"


def _response(status: HTTPStatus, content: object) -> bytes:
    body = json.dumps(content).encode()
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body
