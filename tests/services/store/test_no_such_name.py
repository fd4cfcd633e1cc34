"""The name server in the store's containers: it knows no name and says so at once."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "services/store/no_such_name.pl"
NO_SUCH_NAME = 3


@pytest.mark.skipif(shutil.which("perl") is None, reason="only the store's image must have perl")
def test_every_name_is_unknown_at_once():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.bind(("127.0.0.1", 0))
        asking.settimeout(0.2)
        port = _free_port()
        with subprocess.Popen(["perl", str(SCRIPT), str(port)]) as server:
            try:
                name = b"\x0astore-east\x04site\x00" + struct.pack(">2H", 28, 1)
                more = b"\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00"  # what resolvers say about themselves
                asking.sendto(b"too short", ("127.0.0.1", port))
                answer = _ask(asking, port, struct.pack(">6H", 0xABCD, 0x0100, 1, 0, 0, 1) + name + more)
            finally:
                server.kill()
    number, flags, *counts = struct.unpack(">6H", answer[:12])
    assert number == 0xABCD
    assert flags & 0x8000, "an answer"
    assert flags & 0xF == NO_SUCH_NAME
    assert counts == [1, 0, 0, 0]
    assert answer[12:] == name


def _ask(asking: socket.socket, port: int, question: bytes) -> bytes:
    for _ in range(100):
        asking.sendto(question, ("127.0.0.1", port))
        try:
            return asking.recv(512)
        except (TimeoutError, ConnectionRefusedError):  # it has only just been started
            pass
    raise AssertionError("no answer")


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
