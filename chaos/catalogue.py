"""All the faults there are."""

from __future__ import annotations

import chaos.faults  # noqa: F401  (its modules register themselves)
from chaos.fault import REGISTER, Fault
from foundation.suggestions import unknown

LIST = "failwhale chaos list"


def all_faults() -> tuple[Fault, ...]:
    """Every registered fault by name, the unlisted skeleton included."""
    return tuple(REGISTER[name] for name in sorted(REGISTER))


def by_family() -> list[Fault]:
    """The same, by family and name."""
    return sorted(all_faults(), key=lambda fault: (fault.family, fault.name))


def fault_named(name: str) -> Fault:
    """The fault of this name. Raises Failure (usage) that says which was probably meant, and lists them."""
    if name not in REGISTER:
        raise unknown("fault", name, (fault.name for fault in all_faults() if fault.listed), LIST)
    return REGISTER[name]
