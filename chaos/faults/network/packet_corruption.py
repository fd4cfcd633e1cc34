"""packet-corruption: a bit is wrong in a share of the packets of a part; who gets one throws it away."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Parameter, Value, register
from chaos.faults.network.netem_fault import NetemFault


class PacketCorruption(NetemFault):
    name = "packet-corruption"
    help = (
        "Have the kernel turn a bit in a share of the packets that the part sends. Their checksum is wrong "
        "then, so that they are thrown away and sent again. Only where the kernel has netem."
    )
    example = "failwhale chaos packet-corruption post@east --share 20% --for 30s"
    parameters = (
        Parameter("share", "share", "Share of packets that are spoiled.", default=0.2, dial=(0.02, 0.9)),
    )
    demonstration = Demonstration("frontend@east", {"share": 1.0}, hurts={"handshake-east": "down"})

    def wanted(self, parameters: Mapping[str, Value]) -> dict[str, float]:
        return {"corruption": float(str(parameters["share"]))}


register(PacketCorruption())
