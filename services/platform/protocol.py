"""uvicorn's HTTP/1.1 as the site's listeners speak it."""

from __future__ import annotations

import asyncio
import socket
import struct
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from services.platform.intake import CALLER, HANG_UP, RESET
from services.platform.problems import MEDIA_TYPE, Problem

LARGEST_HEAD = 64 * 1024
"""Bytes of request line and headers."""

_AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER: what was not sent is thrown away, and the system keeps nothing of the connection."""


def reset(transport: asyncio.Transport) -> None:
    """Close a connection at once, by TCP's reset; nothing of it is kept."""
    end = transport.get_extra_info("socket")
    try:
        if end is not None:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    except OSError:  # it is gone already
        pass
    transport.abort()


class Protocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, which can also hang up, bounds the head, and refuses with a problem document."""

    _in_head = False
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        caller = _name_in(transport.get_extra_info("peercert"))
        # Nothing of `self`: whoever is in a circle is kept after its end, until a garbage collection.
        self._extensions = {HANG_UP: transport.abort, RESET: partial(reset, transport), CALLER: caller}
        # uvicorn waits for ever for a first request.
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._in_head:
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > LARGEST_HEAD:
            self._refuse(Problem(431, "head-too-large", "The head of the request is too large"))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self.scope["extensions"] = self._extensions  # type: ignore[typeddict-item]

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        self._in_head = False
        self._refuse(Problem(400, "malformed-request", "This is not a valid HTTP request"))

    def _refuse(self, problem: Problem) -> None:
        body = problem.body()
        head = b"content-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(
            STATUS_LINE[problem.status] + head % (MEDIA_TYPE.encode("ascii"), len(body)) + body
        )
        self.transport.close()


def _name_in(certificate: dict[str, Any] | None) -> str | None:
    """The common name of a certificate that was verified; None where none was shown."""
    subject = certificate["subject"] if certificate else ()
    return next((value for names in subject for key, value in names if key == "commonName"), None)
