"""A fault while it is set: whom it hits, and how often it did."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Mapping
from zlib import crc32

from services.platform.injection.held import Held, drawn_delay, held_by_loss
from services.platform.injection.spec import FaultSpec, route_filter
from services.platform.settings import Address, certificate_name


class AppliedFault:
    """A fault while its lease runs: whom it hits, and how often it did."""

    def __init__(
        self, identifier: str, fault: FaultSpec, now: float, routes: Mapping[Address, Address]
    ) -> None:
        self.id = identifier
        self.fault = fault
        named = None if fault.store is None else Address.parse(fault.store)
        self.store = None if named is None else routes.get(named, named)
        """Where the store is reached from here whose answers are meant."""
        self.expires = now + fault.seconds
        self.hits = 0
        self.ended = asyncio.Event()
        self._method: str | None = None
        self._path: re.Pattern[str] | None = None
        if fault.route is not None:
            self._method, self._path = route_filter(fault.route)
        self._callers = None if fault.callers is None else frozenset(map(certificate_name, fault.callers))
        seed = fault.seed if fault.draws is None else fault.draws
        self._random = random.Random(seed).random if seed is not None else random.random

    def hits_request(self, method: str, path: str, user: str | None, caller: str | None) -> bool:
        """Whether this request is one of those to be hurt. Draws a number when the share is below 1."""
        fault = self.fault
        if self._callers is not None and caller not in self._callers:
            return False
        if self._method is not None and self._method != method:
            return False
        if self._path is not None and not self._path.match(path):
            return False
        if fault.users is not None and not is_among(user, fault.users, fault.seed):
            return False
        return self.hits_next()

    def hits_next(self) -> bool:
        """Whether the next one is in the share that is hit."""
        return self.fault.share >= 1 or self._random() < self.fault.share

    def held(self, lease: float) -> Held:
        """What becomes of one that latency or loss has hit; nothing is held for longer than the lease."""
        if self.fault.kind == "latency":
            drawn = drawn_delay(self.fault.delay, self.fault.jitter, self.fault.tail, self._random)
            return Held(min(drawn, lease))
        held = held_by_loss(self.fault.share, self._random)
        return held if held.seconds <= lease else Held(lease)


def is_among(user: str | None, share: float, seed: int | None = None) -> bool:
    """Whether a user is in the unlucky share: by a hash, so that every replica agrees without talking."""
    return bool(user) and crc32(f"{seed or 0}:{user}".encode()) < share * 2**32
