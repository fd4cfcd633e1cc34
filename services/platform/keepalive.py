"""Noticing that the other end of a connection is gone, also where nothing is sent for a long time.

A network that is cut off tells nobody. Who only listens (for promotions, for revocations) would go on
listening to nobody for ever: the other end has forgotten the connection by then, or has another address.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping

SILENT_SECONDS, PROBE_SECONDS, PROBES = 2, 1, 3
"""A connection is given up after five seconds in which the other system did not answer."""

OPTIONS: Mapping[int, int] = {
    getattr(socket, name): value
    for name, value in (
        ("TCP_KEEPIDLE", SILENT_SECONDS),
        ("TCP_KEEPINTVL", PROBE_SECONDS),
        ("TCP_KEEPCNT", PROBES),
        # The same for what was sent and is not acknowledged, in milliseconds.
        ("TCP_USER_TIMEOUT", 1000 * (SILENT_SECONDS + PROBE_SECONDS * PROBES)),
    )
    if hasattr(socket, name)  # not every system has all of them
}
"""Of TCP; they need SO_KEEPALIVE."""


def keep_alive(connection: socket.socket) -> None:
    """Let the system ask the other end when it is silent, and end the connection when it does not answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in OPTIONS.items():
        connection.setsockopt(socket.IPPROTO_TCP, option, value)
