"""packet-reordering: a share of the packets of a part overtakes the others, which the kernel holds."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Parameter, Value, register
from chaos.faults.network.netem_fault import NetemFault


class PacketReordering(NetemFault):
    name = "packet-reordering"
    help = (
        "Have the kernel hold the packets that the part sends, but for a share that overtakes them. TCP "
        "takes some of those that are late for lost. Only where the kernel has netem."
    )
    example = "failwhale chaos packet-reordering post@east --share 30% --delay 50ms --for 30s"
    parameters = (
        Parameter("share", "share", "Share of packets that overtake.", default=0.25, dial=(0.02, 0.5)),
        Parameter("delay", "duration", "How long the others are held.", default=0.05, low=0.001, high=10),
    )
    demonstration = Demonstration("frontend@east", {"delay": 3.0}, hurts={"handshake-east": "down"})

    def wanted(self, parameters: Mapping[str, Value]) -> dict[str, float]:
        return {"delay": self._late(parameters), "overtaking": float(str(parameters["share"]))}

    def _late(self, parameters: Mapping[str, Value]) -> float:
        return float(str(parameters["delay"]))


register(PacketReordering())
