"""Faults as their demonstrations have them, for benches that draw from all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chaos.catalogue import all_faults
from chaos.fault import Demonstration, Fault


@dataclass(frozen=True)
class Demonstrated:
    """A fault with a target and parameters that hurt as it says."""

    fault: Fault
    demonstration: Demonstration

    def __str__(self) -> str:
        return f"{self.fault.name} {self.demonstration.target}"

    def words(self, seconds: float) -> list[str]:
        """What a person types for it, after `failwhale`."""
        known = {parameter.name: parameter for parameter in self.fault.parameters}
        options = [
            f"{known[name].flag}={known[name].typed(value)}"
            for name, value in self.demonstration.parameters.items()
        ]
        return ["chaos", self.fault.name, self.demonstration.target, *options, f"--for={seconds:g}s"]


def lasting_faults(runtime: str) -> Iterator[Demonstrated]:
    """All that last and that each machine can do where this runtime can."""
    for fault in all_faults():
        if fault.listed and fault.lasting and fault.everywhere and runtime in fault.runtimes:
            yield from (Demonstrated(fault, demonstration) for demonstration in fault.demonstrations)
