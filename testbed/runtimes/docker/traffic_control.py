"""What becomes of packets: `python -m testbed.runtimes.docker.traffic_control '{"loss": 0.2}'`.

Run as root with NET_ADMIN on the network of a part, by a container that lives no longer than that takes. It
speaks to the kernel's traffic control by itself (rtnetlink), so that no image need carry tc or iptables.
Packets are lost by a filter of two instructions, which most kernels can run; bandwidth is a token bucket; all
else is netem, where the kernel has it.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
import sys
from collections.abc import Mapping, Sequence

_NEW_QDISC, _DELETE_QDISC, _NEW_FILTER = 36, 37, 44
_REQUEST, _ACKNOWLEDGE, _REPLACE, _CREATE = 0x1, 0x4, 0x100, 0x400
_ROOT, _CLSACT = 0xFFFFFFFF, 0xFFFFFFF1
_OUT, _IN = 0xFFFFFFF3, 0xFFFFFFF2
_HANDLE, _CLSACT_HANDLE = 0x10000, 0xFFFF0000
_ANY_PROTOCOL = socket.htons(0x0003)
_MOST = 2**32 - 1
_TICK = 64e-9
"""Seconds, in which this kernel interface counts."""
_PACKETS = 1000
"""How many netem holds at most."""
_BURST = 16 * 1024
_QUEUE = 256 * 1024
"""Bytes that a token bucket lets go at once, and that wait before it; what comes then is lost."""


class Kernel:
    """Asks the kernel for one change after the other."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._socket.bind((0, 0))

    def ask(self, kind: int, flags: int, body: bytes) -> None:
        """Raises OSError with what the kernel answers."""
        self._socket.send(
            struct.pack("=IHHII", 16 + len(body), kind, flags | _REQUEST | _ACKNOWLEDGE, 1, 0) + body
        )
        code = struct.unpack_from("=i", self._socket.recv(65536), 16)[0]
        if code:
            raise OSError(-code, os.strerror(-code))

    def add(self, interface: int, parent: int, handle: int, name: str, options: bytes) -> None:
        """A queueing discipline, instead of what is there."""
        body = _message(interface, handle, parent) + _attribute(1, name.encode() + b"\0") + options
        self.ask(_NEW_QDISC, _CREATE | _REPLACE, body)

    def remove(self, interface: int, parent: int, handle: int) -> None:
        """No error when there is none."""
        try:
            self.ask(_DELETE_QDISC, 0, _message(interface, handle, parent))
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.EINVAL):
                raise

    def lose(self, interface: int, share: float) -> None:
        """Drop this share of what comes in, and of what goes out."""
        self.add(interface, _CLSACT, _CLSACT_HANDLE, "clsact", b"")
        program = (
            struct.pack("=HBBI", 0x20, 0, 0, 0xFFFFF038)  # load a random number of 32 bits
            + struct.pack("=HBBI", 0x35, 1, 0, min(_MOST, int(share * 2**32)))  # skip one, if not below
            + struct.pack("=HBBI", 0x06, 0, 0, 2)  # drop it
            + struct.pack("=HBBI", 0x06, 0, 0, 0)  # let it go
        )
        options = (
            _attribute(4, struct.pack("=H", 4)) + _attribute(5, program) + _attribute(8, struct.pack("=I", 1))
        )
        for direction in (_OUT, _IN):
            body = _message(interface, 0, direction, 1 << 16 | _ANY_PROTOCOL)
            body += _attribute(1, b"bpf\0") + _attribute(2, options)
            self.ask(_NEW_FILTER, _CREATE | _REPLACE, body)


TRY_NETEM = {"delay": 0.0, "passing": 1.0}
"""Only tells whether it can be had."""


def main(words: Sequence[str] = sys.argv) -> None:
    wanted: dict[str, float] = json.loads(words[1])
    kernel = Kernel()
    for interface, name in socket.if_nameindex():
        if name == "lo":
            continue
        try:
            _disturb(kernel, interface, wanted)
        except OSError as error:
            sys.exit(f"{name}: {error.strerror}")


def _disturb(kernel: Kernel, interface: int, wanted: Mapping[str, float]) -> None:
    """What was there before is gone; nothing wanted leaves all as it was."""
    kernel.remove(interface, _ROOT, 0)
    kernel.remove(interface, _CLSACT, _CLSACT_HANDLE)
    if "loss" in wanted:
        kernel.lose(interface, wanted["loss"])
    elif "bandwidth" in wanted:
        kernel.add(interface, _ROOT, _HANDLE, "tbf", _attribute(2, _bucket(int(wanted["bandwidth"]))))
    elif wanted:
        kernel.add(interface, _ROOT, _HANDLE, "netem", _attribute(2, _netem(wanted)))
    if "passing" in wanted:
        kernel.remove(interface, _ROOT, 0)


def _bucket(rate: int) -> bytes:
    """The options of a token bucket of so many bytes a second."""
    ethernet = struct.pack("=BBHhHI", 0, 1, 0, 0, 0, rate)
    parameters = ethernet + bytes(12) + struct.pack("=III", _QUEUE, 0, 0)
    return _attribute(1, parameters) + _attribute(6, struct.pack("=I", _BURST))


def _netem(wanted: Mapping[str, float]) -> bytes:
    """The options of netem: seconds of delay and jitter, and shares of packets."""

    def ticks(name: str) -> int:
        return round(wanted.get(name, 0.0) / _TICK)

    gap = 1 if "overtaking" in wanted else 0
    options = struct.pack("=IIIIII", ticks("delay"), _PACKETS, 0, gap, 0, ticks("jitter"))
    for kind, name in ((3, "overtaking"), (4, "corruption")):
        if name in wanted:
            options += _attribute(kind, struct.pack("=II", round(wanted[name] * _MOST), 0))
    return options


def _message(interface: int, handle: int, parent: int, info: int = 0) -> bytes:
    return struct.pack("=BBHiIII", socket.AF_UNSPEC, 0, 0, interface, handle, parent, info)


def _attribute(kind: int, content: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(content), kind) + content + bytes(-len(content) % 4)


if __name__ == "__main__":
    main()
