"""What memory-leak and memory-hog share: a service takes memory for nothing, and the kernel counts it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import psutil

from chaos.fault import Injection, Parameter, Proof, Value
from chaos.faults.instance.strain_fault import StrainFault
from chaos.target import Target
from foundation.failure import USAGE, Failure
from testbed.inventory import Part
from testbed.site import Site

MEGABYTE = 1024 * 1024
_SPARE = 16
"""Megabytes that a part must keep for its work."""
_OF_MACHINE = 0.25
"""Share of what the machine has free that may be taken."""


class MemoryFault(StrainFault):
    """Each kind says in `enough` by what growth it is known."""

    most: ClassVar[Parameter] = Parameter(
        "megabytes",
        "integer",
        "Megabytes that it takes at most.",
        default=64,
        low=8,
        high=2048,
        dial=(16, 96),
    )
    parameters: ClassVar[tuple[Parameter, ...]] = (most,)

    def hurts(self, target: Target, parameters: Mapping[str, Value]) -> tuple[str, ...]:
        """Nobody: it stays below what the part may take."""
        return ()

    def refuse_misfit(self, site: Site, part: Part, parameters: Mapping[str, Value]) -> None:
        wanted = int(str(parameters["megabytes"]))
        used = site.runtime.usage(part.name)
        free = int(psutil.virtual_memory().available * _OF_MACHINE / MEGABYTE)
        if used.memory_limit is not None:
            free = min(free, (used.memory_limit - used.memory_bytes) // MEGABYTE - _SPARE)
        if wanted > free:
            raise Failure(
                f"{part.name} can take {max(free, 0)} MB more at most, not {wanted}",
                "one that is killed for its memory is: failwhale chaos out-of-memory",
                USAGE,
            )

    def apply(self, site: Site, injection: Injection) -> None:
        """The part keeps what it had before, for whoever wants to see the difference: so it is asked once."""
        if self._told(site, injection):
            return
        before = site.runtime.usage(injection.part.name).memory_bytes
        super().apply(site, replace(injection, parameters={**injection.parameters, "before": before}))

    def seen(self, site: Site, injection: Injection) -> Proof:
        part = injection.part
        rows = site.control(part).ask("GET", "/-/faults").json()
        before = next(int(row["before"]) for row in rows if row["id"] == injection.id)
        grown = (site.runtime.usage(part.name).memory_bytes - before) / MEGABYTE
        enough = self.enough(int(str(injection.parameters["megabytes"])))
        said = f"{part.name} has {before / MEGABYTE + grown:.0f} MB, {grown:.0f} MB more than before"
        return Proof(grown >= enough or None, f"{said}, says the kernel")

    @abstractmethod
    def enough(self, megabytes: int) -> float:
        """The growth in megabytes that proves it, where so many are asked for."""
