"""The store: Redis behind Sentinel. Reads survive a dead primary; writes say whether a replica has them."""

from services.platform.store.script import Script
from services.platform.store.store import PROMOTION_SECONDS, Store, Written, unreachable

__all__ = ["PROMOTION_SECONDS", "Script", "Store", "Written", "unreachable"]
