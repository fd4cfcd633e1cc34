"""packet-delay: the kernel holds each packet that a part sends for a while."""

from collections.abc import Mapping

from chaos.fault import Demonstration, Parameter, Value, register
from chaos.faults.network.netem_fault import NetemFault


class PacketDelay(NetemFault):
    name = "packet-delay"
    help = (
        "Have the kernel hold each packet that the part sends. A new connection needs several of them, one "
        "after the other. Only where the kernel has netem."
    )
    example = "failwhale chaos packet-delay post@east --delay 100ms --jitter 50ms --for 30s"
    parameters = (
        Parameter("delay", "duration", "How long.", default=0.1, low=0.001, high=10, dial=(0.005, 2)),
        Parameter("jitter", "duration", "How much longer or shorter.", default=0.0, low=0, high=10),
    )
    demonstration = Demonstration("frontend@east", {"delay": 3.0}, hurts={"handshake-east": "down"})

    def wanted(self, parameters: Mapping[str, Value]) -> dict[str, float]:
        return {name: float(str(parameters[name])) for name in ("delay", "jitter")}

    def _late(self, parameters: Mapping[str, Value]) -> float:
        return max(0.001, float(str(parameters["delay"])) - float(str(parameters["jitter"])))


register(PacketDelay())
