"""Injection points: the one seam where chaos may hurt a part from inside. Leased, self-expiring, free when
unset.

What waits for a request tests `points.inbound is None` and goes on, and what comes from a store tests
`points.from_stores is None`; nothing else is paid while no fault is set. To the link, each packet of bytes
that it relays is a request.

What has a fault of another kind to obey asks `points.of(kind)`. What a kind does by itself (to use up memory)
is an effect that is given to `points.on(kind, effect)` where the part is built.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from services.platform.injection.applied import AppliedFault
from services.platform.injection.held import Held
from services.platform.injection.spec import OF_REQUESTS, FaultSpec, Kind
from services.platform.settings import Address

MOST_FAULTS = 32
"""Faults that may be set in one process at a time."""
TIMER_SECONDS = 0.005

Effect = Callable[[AppliedFault], Coroutine[Any, Any, None]]
"""What a kind does by itself, without waiting for a request: begun when a fault is set, cancelled when it
ends. It cleans up after itself, and may not block the loop unless that is its purpose."""


class InjectionPoints:
    """The faults that are set in this process, by their ids."""

    def __init__(
        self,
        on_hit: Callable[[Kind], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        routes: Mapping[Address, Address] = MappingProxyType({}),
    ) -> None:
        """`on_hit(kind)` is called for every request that is hurt; `clock` gives monotonic seconds; `routes`
        say where a store is reached from here (see services.platform.settings)."""
        self.inbound: tuple[AppliedFault, ...] | None = None
        """None unless a fault is set: the one test that a request pays."""
        self.from_stores: tuple[AppliedFault, ...] | None = None
        """The same for what stores answer."""
        self._set: tuple[AppliedFault, ...] = ()
        self._effects: dict[Kind, Effect] = {}
        self._under_way: dict[str, asyncio.Task[None]] = {}
        """Effects, by the ids of their faults."""
        self._routes = routes
        self.on_hit = on_hit
        self._clock = clock

    def on(self, kind: Kind, effect: Effect) -> None:
        """Have this done while a fault of this kind is set."""
        self._effects[kind] = effect

    def put(self, identifier: str, fault: FaultSpec) -> AppliedFault:
        """Set a fault, or set it anew: its lease starts again, and its hits go on being counted."""
        applied = AppliedFault(identifier, fault, self._clock(), self._routes)
        before = self.remove(identifier)
        if before is not None:
            applied.hits = before.hits
        self._keep_only((*self._set, applied))
        effect = self._effects.get(fault.kind)
        if effect is not None:
            self._begin(applied, effect)
        return applied

    def _begin(self, applied: AppliedFault, effect: Effect) -> None:
        loop = asyncio.get_running_loop()
        self._under_way[applied.id] = loop.create_task(effect(applied), name=f"fault {applied.id}")
        # Its end would not be noticed while nobody asks. A timer may be a little early, by its resolution.
        loop.call_later(applied.fault.seconds + TIMER_SECONDS, self._drop_expired)

    def remove(self, identifier: str) -> AppliedFault | None:
        """End a fault and let go what it holds; None when it is not set (any more)."""
        removed = next((applied for applied in self.active() if applied.id == identifier), None)
        if removed is not None:
            self._keep(lambda applied: applied is not removed)
        return removed

    def end(self, is_meant: Callable[[AppliedFault], bool]) -> None:
        """End the faults that are meant: somebody has set right by hand what they did."""
        self._keep(lambda applied: not is_meant(applied))

    def active(self) -> tuple[AppliedFault, ...]:
        """The faults whose lease has not run out."""
        self._drop_expired()
        return self._set

    def has_room_for(self, identifier: str) -> bool:
        """Whether a fault of this id may be set, beside the others."""
        return len([applied for applied in self.active() if applied.id != identifier]) < MOST_FAULTS

    def told(self, applied: AppliedFault) -> dict[str, Any]:
        """A fault as the control endpoints tell it: what was asked for, the seconds left, and its hits."""
        left = self.remaining(applied)
        return {"id": applied.id, **applied.fault.model_dump(), "remaining": left, "hits": applied.hits}

    def remaining(self, applied: AppliedFault) -> float:
        """Seconds until the lease of this fault ends."""
        return max(0.0, applied.expires - self._clock())

    async def wait(self, applied: AppliedFault, seconds: float) -> None:
        """Wait so long, but no longer than the fault lasts."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, self.remaining(applied) + TIMER_SECONDS)):
                await applied.ended.wait()
        self._drop_expired()

    def choose(self, method: str, path: str, user: str | None, caller: str | None) -> AppliedFault | None:
        """The first fault that hits this request, counted; `user` is the id as the header has it, `caller`
        the name in the certificate of who sent it."""
        self._drop_expired()
        for applied in self.inbound or ():
            if applied.hits_request(method, path, user, caller):
                self.hit(applied)
                return applied
        return None

    def of(self, *kinds: Kind) -> AppliedFault | None:
        """The first fault of these kinds, not counted."""
        if not self._set:
            return None
        return next((applied for applied in self.active() if applied.fault.kind in kinds), None)

    def of_job(self, job: str) -> AppliedFault | None:
        """The first fault that hurts this job of maintenance, not counted."""
        return next((applied for applied in self.active() if applied.fault.job == job), None)

    def held(self, applied: AppliedFault) -> Held:
        """What becomes of what this fault has hit."""
        return applied.held(self.remaining(applied))

    def held_from(self, store: Address) -> Held | None:
        """What becomes of the next bytes that come from a store, counted; None: they come as ever. `store` is
        where it is reached from here."""
        self._drop_expired()
        for applied in self.from_stores or ():
            if applied.store == store and applied.hits_next():
                self.hit(applied)
                return self.held(applied)
        return None

    def hit(self, applied: AppliedFault) -> None:
        """Count what a fault has hurt."""
        applied.hits += 1
        if self.on_hit is not None:
            self.on_hit(applied.fault.kind)

    def _drop_expired(self) -> None:
        if self._set:
            now = self._clock()
            if any(applied.expires <= now for applied in self._set):
                self._keep(lambda applied: applied.expires > now)

    def _keep(self, wanted: Callable[[AppliedFault], bool]) -> None:
        for applied in self._set:
            if not wanted(applied):
                applied.ended.set()
                if (effect := self._under_way.pop(applied.id, None)) is not None:
                    effect.cancel()
        self._keep_only(tuple(filter(wanted, self._set)))

    def _keep_only(self, kept: tuple[AppliedFault, ...]) -> None:
        self._set = kept
        self.inbound = tuple(filter(_is_inbound, kept)) or None
        self.from_stores = tuple(one for one in kept if one.store is not None) or None


def _is_inbound(applied: AppliedFault) -> bool:
    return applied.store is None and applied.fault.kind in OF_REQUESTS
