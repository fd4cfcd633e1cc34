"""Ports for a site that is nobody's usual one: it must not fail because another site is up."""

from __future__ import annotations

import socket

from foundation.failure import Failure

USUAL = (("east", 8443), ("west", 9443))


def free_edge_ports() -> dict[str, int]:
    """By edge: the usual port where it is free, another where not. Raises Failure when there is none."""
    return {place: _free_port(usual) for place, usual in USUAL}


def _free_port(usual: int) -> int:
    for port in (usual, 0):
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(listener.getsockname()[1])
    raise Failure("no free port on 127.0.0.1", "end what holds them")
