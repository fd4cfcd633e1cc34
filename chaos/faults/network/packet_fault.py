"""What faults of packets share: the kernel hurts what goes in and out of a part, on its own network."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from chaos.fault import MAINTENANCE, SERVICES, Depth, Fault, Injection, Proof, Value
from chaos.faults.instance.process_fault import refuse_without_process
from foundation.failure import Failure
from testbed.inventory import Part
from testbed.runtimes.capabilities import Capability
from testbed.site import Site

_SENT_AGAIN = 0.18
"""Seconds. TCP sends again after 200 ms at the earliest."""
_REQUESTS = 8


class PacketFault(Fault):
    """Each kind says what the kernel is asked for, and what is seen of it."""

    targets: ClassVar[tuple[str, ...]] = (*SERVICES, MAINTENANCE)
    requires = frozenset({Capability.PACKETS})
    restored = "has its packets as ever"
    lies = Depth.AROUND

    @abstractmethod
    def wanted(self, parameters: Mapping[str, Value]) -> dict[str, float]:
        """What is to become of packets, as testbed/runtimes/docker/traffic_control.py knows it."""

    def _late(self, parameters: Mapping[str, Value]) -> float:
        """Seconds after which a request that was hurt is answered at the earliest."""
        return _SENT_AGAIN

    def seen(self, site: Site, part: Part, parameters: Mapping[str, Value]) -> Proof:
        """What requests of our own get."""
        for number in range(1, _REQUESTS + 1):
            began = time.monotonic()
            answered = site.answers(part)
            took = time.monotonic() - began
            if not answered or took >= self._late(parameters):
                what = f"was answered after {took:.2g} s" if answered else "was lost"
                return Proof(True, f"{part.name}: of {number} requests of our own one {what}")
        return Proof(None, f"{part.name} answered {_REQUESTS} requests of our own as ever")

    def precondition(self, site: Site, part: Part) -> None:
        refuse_without_process(site, part, "it sends no packets")
        if site.packets.are_disturbed(part.name):
            raise Failure(f"the packets of {part.name} are hurt already", "end that: failwhale chaos heal")

    def apply(self, site: Site, injection: Injection) -> None:
        site.packets.disturb(injection.part.name, self.wanted(injection.parameters))

    def verify(self, site: Site, injection: Injection) -> Proof:
        if not site.packets.are_disturbed(injection.part.name):
            return Proof(False, f"nothing is done to the packets of {injection.part.name}")
        return self.seen(site, injection.part, injection.parameters)

    def revert(self, site: Site, injection: Injection) -> None:
        site.packets.leave_alone(injection.part.name)

    def verify_reverted(self, site: Site, injection: Injection) -> Proof:
        name = injection.part.name
        hurt = site.packets.are_disturbed(name)
        return Proof(not hurt, f"the packets of {name} are {'still hurt' if hurt else 'left alone'}")

    def leftover(self, site: Site, part: Part) -> str:
        return "had its packets hurt" if site.packets.are_disturbed(part.name) else ""

    def sweep(self, site: Site, part: Part) -> None:
        site.packets.leave_alone(part.name)
