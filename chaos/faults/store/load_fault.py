"""What faults share that are a load on the store: it is put on the primary."""

from __future__ import annotations

from chaos.faults.load import Load
from chaos.faults.store.primary_fault import PrimaryFault


class LoadFault(Load, PrimaryFault):
    """A load on the primary."""
