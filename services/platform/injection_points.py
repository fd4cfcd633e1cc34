"""Injection points: the one seam where chaos may hurt a part from inside. Leased, self-expiring, free when
unset.

What waits for a request tests `points.inbound is None` and goes on, and what comes from a store tests
`points.from_stores is None`; nothing else is paid while no fault is set. To the link, each packet of bytes
that it relays is a request.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Literal, Self
from zlib import crc32

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.platform.held import Held, held_by_loss
from services.platform.settings import Address, certificate_name

Kind = Literal["latency", "loss", "errors", "blackhole", "job-off", "job-stuck"]

OF_JOBS: frozenset[Kind] = frozenset({"job-off", "job-stuck"})
"""Those that hurt no request, but a job of maintenance."""

HOLDING: tuple[Kind, ...] = ("latency", "loss")
"""The kinds that can be done to bytes as well as to requests: what they hit is held on its way."""

LONGEST_LEASE = 3600.0

PartName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,60}(@[a-z0-9-]{1,60})?$")]


class FaultSpec(BaseModel):
    """What is to go wrong: with which requests, how, and for how long at most.

    `seconds` is the lease; `share` is the share of requests that are hit, `users` (when set) the share of
    users whose requests are: the same users everywhere and always, for the same `seed`. `route` is a path
    template, with a method before it or without (`POST /api/v1/posts`, `/api/v1/posts/{id}`); None means
    every route. `callers` are the parts whose calls are hit (`frontend@east`), known by their certificates;
    None means everybody's. `delay` is the latency in seconds, `status` the answer of `errors`. `job` is the
    job that is not begun (`job-off`), or that does not end (`job-stuck`).
    With `store` (`store-east:6379`, as the sentinels name it) it is what that store answers to this part that
    is late or lost, instead of requests to this part.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    kind: Kind
    seconds: float = Field(gt=0, le=LONGEST_LEASE)
    share: float = Field(default=1.0, ge=0, le=1)
    users: float | None = Field(default=None, ge=0, le=1)
    route: str | None = Field(default=None, max_length=200, pattern=r"^([A-Z]+ )?/[!-~]*$")
    callers: tuple[PartName, ...] | None = Field(default=None, min_length=1, max_length=100)
    store: str | None = Field(default=None, max_length=200)
    delay: float = Field(default=0.0, ge=0, le=LONGEST_LEASE)
    status: int = Field(default=500, ge=400, le=599)
    seed: int | None = Field(default=None, ge=0, lt=2**63)
    job: str | None = Field(default=None, pattern=r"^[a-z-]{1,60}$")

    @model_validator(mode="after")
    def _latency_has_a_delay(self) -> Self:
        if self.kind == "latency" and self.delay == 0:
            raise ValueError("latency needs a delay of more than 0 seconds")
        if (self.kind in OF_JOBS) != (self.job is not None):
            raise ValueError(f"{self.kind} needs {'a' if self.job is None else 'no'} job")
        if self.route is not None:
            _route_filter(self.route)
        if self.store is not None:
            Address.parse(self.store)
            if self.kind not in HOLDING:
                raise ValueError(f"of a store there is no injection point {self.kind}")
        return self


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
            self._method, self._path = _route_filter(fault.route)
        self._callers = None if fault.callers is None else frozenset(map(certificate_name, fault.callers))
        self._random = random.Random(fault.seed).random if fault.seed is not None else random.random

    def hits_request(self, method: str, path: str, user: str | None, caller: str | None) -> bool:
        """Whether this request is one of those to be hurt. Draws a number when the share is below 1."""
        fault = self.fault
        if fault.job is not None:
            return False
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
            return Held(min(self.fault.delay, lease))
        held = held_by_loss(self.fault.share, self._random)
        return held if held.seconds <= lease else Held(lease)


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
        self._routes = routes
        self.on_hit = on_hit
        self._clock = clock

    def put(self, identifier: str, fault: FaultSpec) -> AppliedFault:
        """Set a fault, or set it anew: its lease starts again, and its hits go on being counted."""
        applied = AppliedFault(identifier, fault, self._clock(), self._routes)
        before = self.remove(identifier)
        if before is not None:
            applied.hits = before.hits
        self._keep_only((*self._set, applied))
        return applied

    def remove(self, identifier: str) -> AppliedFault | None:
        """End a fault and let go what it holds; None when it is not set (any more)."""
        removed = next((applied for applied in self.active() if applied.id == identifier), None)
        if removed is not None:
            self._keep(lambda applied: applied is not removed)
        return removed

    def active(self) -> tuple[AppliedFault, ...]:
        """The faults whose lease has not run out."""
        self._drop_expired()
        return self._set

    def remaining(self, applied: AppliedFault) -> float:
        """Seconds until the lease of this fault ends."""
        return max(0.0, applied.expires - self._clock())

    def choose(self, method: str, path: str, user: str | None, caller: str | None) -> AppliedFault | None:
        """The first fault that hits this request, counted; `user` is the id as the header has it, `caller`
        the name in the certificate of who sent it."""
        self._drop_expired()
        for applied in self.inbound or ():
            if applied.hits_request(method, path, user, caller):
                self.hit(applied)
                return applied
        return None

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
        self._keep_only(tuple(filter(wanted, self._set)))

    def _keep_only(self, kept: tuple[AppliedFault, ...]) -> None:
        self._set = kept
        self.inbound = tuple(one for one in kept if one.store is None) or None
        self.from_stores = tuple(one for one in kept if one.store is not None) or None


def _route_filter(route: str) -> tuple[str | None, re.Pattern[str]]:
    """The method (None: any) and the pattern of the paths. Raises ValueError for a malformed template."""
    from starlette.routing import compile_path  # the link, which has no routes, does without it

    method, space, template = route.rpartition(" ")
    pattern, _, _ = compile_path(template)
    return (method if space else None), pattern


def is_among(user: str | None, share: float, seed: int | None = None) -> bool:
    """Whether a user is in the unlucky share: by a hash, so that every replica agrees without talking."""
    return bool(user) and crc32(f"{seed or 0}:{user}".encode()) < share * 2**32
