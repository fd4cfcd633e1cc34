"""The supervisor's side of its socket: one JSON request a line, one JSON answer a line, many clients, no
thread."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from foundation.failure import Failure
from testbed.runtimes.processes.loop import Loop

Reply = Callable[[object], None]
Handle = Callable[[dict[str, Any], Reply], None]


class ControlSocket:
    """Listens on a Unix socket. `handle` gets each request and a function that answers it, now or later."""

    def __init__(self, loop: Loop, path: Path, handle: Handle) -> None:
        self._loop = loop
        self._path = path
        self._handle = handle
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        previous = os.umask(0o077)
        try:
            self._listener.bind(str(path))
        finally:
            os.umask(previous)
        self._listener.listen(64)
        self._listener.setblocking(False)
        loop.watch(self._listener.fileno(), self._accept)

    def close(self) -> None:
        self._loop.unwatch(self._listener.fileno())
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:
            return
        connection.setblocking(False)
        _Connection(self._loop, connection, self._handle)


class _Connection:
    def __init__(self, loop: Loop, connection: socket.socket, handle: Handle) -> None:
        self._loop = loop
        self._socket = connection
        self._handle = handle
        self._received = b""
        loop.watch(connection.fileno(), self._read)

    def _read(self) -> None:
        try:
            data = self._socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop.unwatch(self._socket.fileno())
            self._socket.close()
            return
        *lines, self._received = (self._received + data).split(b"\n")
        for line in lines:
            self._request(line)

    def _request(self, line: bytes) -> None:
        try:
            self._handle(json.loads(line), lambda result: self._send({"result": result}))
        except Failure as failure:
            self._send({"error": failure.message, "next": failure.next_step, "code": failure.code})
        except Exception as error:  # a bad request must never end the supervisor
            self._send({"error": f"{type(error).__name__}: {error}", "next": "", "code": 1})

    def _send(self, answer: dict[str, object]) -> None:
        try:
            # Answers are small beside a socket's buffer; a client that never reads loses its own answer
            # only.
            self._socket.send(json.dumps(answer).encode() + b"\n")
        except OSError:
            pass
