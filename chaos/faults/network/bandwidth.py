"""bandwidth: what a part sends goes out no faster than so many kilobytes a second."""

import time
from collections.abc import Mapping

from chaos.fault import Demonstration, Parameter, Proof, Value, register
from chaos.faults.network.packet_fault import PacketFault
from testbed.control import Silent
from testbed.inventory import Part
from testbed.site import Site

_KILOBYTE = 1000
_PATIENCE = 5.0
"""Seconds between two packets of an answer."""
_AT_ONCE = 16 * 1024
"""Bytes that go out without waiting, after a while in which nothing was sent."""
_MEASURED = 1.2
"""How many times the rate what is measured may be."""


class Bandwidth(PacketFault):
    name = "bandwidth"
    help = (
        "Have the kernel send what the part sends no faster than so many kilobytes a second. What comes "
        "meanwhile waits, up to 256 kB, and is lost then."
    )
    example = "failwhale chaos bandwidth frontend@east --rate 20 --for 30s"
    parameters = (
        Parameter("rate", "integer", "Kilobytes a second.", default=20, low=1, high=100_000, dial=(1000, 2)),
    )
    demonstration = Demonstration("frontend@east", {"rate": 2}, hurts={"handshake-east": "down"})

    def wanted(self, parameters: Mapping[str, Value]) -> dict[str, float]:
        return {"bandwidth": int(str(parameters["rate"])) * _KILOBYTE}

    def seen(self, site: Site, part: Part, parameters: Mapping[str, Value]) -> Proof:
        """By the longest answer that it has: that of its metrics."""
        began = time.monotonic()
        try:
            size = len(site.control(part, _PATIENCE).ask("GET", "/metrics").body)
        except Silent:
            return Proof(True, f"{part.name} brings nothing within {_PATIENCE:g} s")
        took = time.monotonic() - began
        at_most = _MEASURED * int(str(parameters["rate"])) * _KILOBYTE * took
        is_slow = size <= at_most or 0 < size - _AT_ONCE <= at_most
        said = f"{part.name} brought {size / _KILOBYTE:.0f} kB in {took:.2g} s"
        return Proof(is_slow or None, said)


register(Bandwidth())
