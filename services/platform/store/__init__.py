"""The store: Redis behind Sentinel, for reads that survive a dead primary and writes that say whether they are safe."""

from services.platform.store.script import Script
from services.platform.store.store import Store, Written

__all__ = ["Script", "Store", "Written"]
