"""The store: Redis behind Sentinel. Reads survive a dead primary; writes say whether a replica has them."""

from services.platform.store.script import Script
from services.platform.store.store import Store, Written

__all__ = ["Script", "Store", "Written"]
