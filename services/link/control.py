"""The control endpoints of the link: as with a service, but only what sets its injection points.

Mutual TLS, and the site's token. The standard library does it: with a framework the link would take ten times
the memory that it needs.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import secrets
from collections.abc import Callable
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from services.platform.injection_points import HOLDING, AppliedFault, FaultSpec, InjectionPoints
from services.platform.settings import Address
from services.platform.tls import Credentials

PATIENCE_SECONDS = 2.0
"""For a request to arrive."""
LARGEST_BODY = 16 * 1024
MOST_FAULTS = 32
_FAULTS = "/-/faults"


class Control:
    """Sets, tells and ends the injection points of one link."""

    def __init__(self, faults: InjectionPoints, token: Path) -> None:
        self._faults = faults
        self._token = token
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
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _problem("Too large")
        body = await reader.readexactly(length)
        if (method, path) == ("GET", "/-/health"):
            return HTTPStatus.OK, {"status": "alive"}
        if not self._is_allowed(headers.get("authorization", "")):
            return HTTPStatus.UNAUTHORIZED, _problem("This needs the site's control token")
        if (method, path) == ("GET", _FAULTS):
            return HTTPStatus.OK, [self._told(applied) for applied in self._faults.active()]
        folder, _, identifier = path.rpartition("/")
        act = self._acts().get(method) if folder == _FAULTS and identifier else None
        if act is None:
            return HTTPStatus.NOT_FOUND, _problem("A link has no such endpoint")
        return act(identifier, body)

    def _acts(self) -> dict[str, Callable[[str, bytes], tuple[HTTPStatus, object]]]:
        return {"PUT": self._put, "DELETE": self._delete}

    def _is_allowed(self, authorization: str) -> bool:
        expected = self._token.read_text().strip()
        return secrets.compare_digest(authorization.encode(), f"Bearer {expected}".encode())

    def _put(self, identifier: str, body: bytes) -> tuple[HTTPStatus, object]:
        try:
            fault = FaultSpec.model_validate_json(body)
        except ValidationError as error:
            return HTTPStatus.UNPROCESSABLE_ENTITY, _problem(f"No injection point: {error}")
        if fault.kind not in HOLDING or (fault.route, fault.users, fault.callers, fault.store) != (None,) * 4:
            return HTTPStatus.UNPROCESSABLE_ENTITY, _problem("A link knows bytes only, and holds them")
        if len([applied for applied in self._faults.active() if applied.id != identifier]) >= MOST_FAULTS:
            return HTTPStatus.CONFLICT, _problem("Too many faults are set")
        return HTTPStatus.OK, self._told(self._faults.put(identifier, fault))

    def _delete(self, identifier: str, _: bytes) -> tuple[HTTPStatus, object]:
        return HTTPStatus.OK, {"id": identifier, "removed": self._faults.remove(identifier) is not None}

    def _told(self, applied: AppliedFault) -> dict[str, Any]:
        left = self._faults.remaining(applied)
        return {"id": applied.id, **applied.fault.model_dump(), "remaining": left, "hits": applied.hits}


def _problem(title: str) -> dict[str, str]:
    return {"title": title}


def _response(status: HTTPStatus, content: object) -> bytes:
    body = json.dumps(content).encode()
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body
