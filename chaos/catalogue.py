"""All the faults there are."""

from __future__ import annotations

import chaos.faults  # noqa: F401  (its modules register themselves)
from chaos.fault import REGISTER, Fault
from foundation.failure import USAGE, Failure


def all_faults() -> tuple[Fault, ...]:
    """Every registered fault by name, the unlisted skeleton included."""
    return tuple(REGISTER[name] for name in sorted(REGISTER))


def fault_named(name: str) -> Fault:
    """The fault of this name. Raises Failure (usage) that lists the faults."""
    faults = {fault.name: fault for fault in all_faults()}
    if name not in faults:
        listed = ", ".join(fault.name for fault in faults.values() if fault.listed)
        raise Failure(f"no fault is named {name!r}", f"faults: {listed} (failwhale chaos list)", code=USAGE)
    return faults[name]
