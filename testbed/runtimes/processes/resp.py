"""Just enough of the Redis protocol to ask one question: no connection pool, no dependency."""

from __future__ import annotations

import socket
from typing import BinaryIO

Reply = str | int | None | list["Reply"]


class ReplyError(Exception):
    """Redis answered with an error."""


def ask(
    host: str, port: int, words: list[str], access: tuple[str, str] | None = None, timeout: float = 1.0
) -> Reply:
    """Send one command, as the user of `access` (name and password) if given, and return its answer. Raises
    OSError when there is none within `timeout` seconds, ReplyError when it, or the log-in's, is an error."""
    with socket.create_connection((host, port), timeout=timeout) as connection:
        log_in = _packed(["AUTH", *access]) if access else b""
        connection.sendall(log_in + _packed(words))
        with connection.makefile("rb") as stream:
            if access:
                _read(stream)
            return _read(stream)


def _packed(words: list[str]) -> bytes:
    encoded = [word.encode() for word in words]
    lines = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)
    return b"*%d\r\n%s" % (len(encoded), lines)


def _read(stream: BinaryIO) -> Reply:
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionResetError("the connection closed before the answer was complete")
    kind, rest = line[:1], line[1:-2].decode(errors="replace")
    match kind:
        case b"+":
            return rest
        case b"-":
            raise ReplyError(rest)
        case b":":
            return int(rest)
        case b"$":
            length = int(rest)
            return None if length < 0 else stream.read(length + 2)[:-2].decode(errors="replace")
        case b"*":
            return [_read(stream) for _ in range(int(rest))] if int(rest) >= 0 else None
    raise ConnectionResetError(f"not the Redis protocol: {line[:40]!r}")
