"""packet-loss: the kernel drops a share of the packets of a part, in both directions."""

from collections.abc import Mapping

from chaos.fault import SERVICES, Demonstration, Parameter, Value, register
from chaos.faults.network.packet_fault import PacketFault


class PacketLoss(PacketFault):
    name = "packet-loss"
    help = (
        "Have the kernel drop a share of the packets of a part, both of what it gets and of what it sends. "
        "TCP sends them again, after 200 ms and longer each time."
    )
    example = "failwhale chaos packet-loss post@east --share 20% --for 30s"
    targets = (*SERVICES, "store", "link")
    parameters = (
        Parameter("share", "share", "Share of packets that is lost.", default=0.2, dial=(0.02, 0.9)),
    )
    demonstration = Demonstration("frontend@east", {"share": 0.9}, hurts={"handshake-east": "down"})

    def wanted(self, parameters: Mapping[str, Value]) -> dict[str, float]:
        return {"loss": float(str(parameters["share"]))}


register(PacketLoss())
