"""What faults share that the kernel does by netem, which not every kernel has: so that is tried out."""

from __future__ import annotations

from chaos.faults.network.packet_fault import PacketFault
from testbed.inventory import Part
from testbed.site import Site


class NetemFault(PacketFault):
    everywhere = False

    def precondition(self, site: Site, part: Part) -> None:
        super().precondition(site, part)
        site.packets.try_netem(part.name)
