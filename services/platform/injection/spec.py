"""What is to go wrong: a fault as a part is asked for it, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.platform.settings import Address

OfInstruments = Literal[
    "metrics-down",
    "scrape-slow",
    "health-check-lies",
    "log-flood",
    "prober-blind",
    "journey-unwatched",
    "alerts-to-nobody",
]
"""Those that hurt what is seen of a part, or of the whole site."""

OfConsumers = Literal[
    "consumer-stopped", "consumer-slow", "poison-event", "event-log-trimmed", "duplicate-events"
]
"""Those that hurt how a part reads the event log."""

OfContents = Literal["timelines-empty", "privacy-leak", "users-mixed-up"]
"""Those that a request survives, and that make its answer a wrong one."""

OfInstance = Literal[
    "loop-blocked",
    "cpu-burn",
    "memory-leak",
    "memory-hog",
    "never-ready",
    "crash-loop",
    "slow-start",
    "out-of-memory",
    "threads",
]
"""Those that a part does to its own process."""

OfIdentity = Literal["clock-skew", "token-key-mismatch", "sessions-lost"]
"""Those that hurt whom a part takes people for, and what time it is there."""

OfMaintenance = Literal["counters-wrong", "backups-unreachable"]
"""Those that hurt what maintenance does, besides a job as a whole."""

Kind = Literal[
    "latency",
    "loss",
    "errors",
    "black-hole",
    "reset",
    "slow-drip",
    "truncated",
    "corrupted",
    "aborted",
    "wrong-headers",
    "duplicated",
    "names-gone",
    "names-slow",
    "names-wrong",
    "partition-one-way",
    "connections-exhausted",
    "split-brain",
    "job-off",
    "job-stuck",
    OfInstruments,
    OfConsumers,
    OfContents,
    OfInstance,
    OfIdentity,
    OfMaintenance,
]

OF_ANSWERS: frozenset[Kind] = frozenset({"slow-drip", "truncated", "corrupted", "aborted", "wrong-headers"})
"""Those that let a request be carried out, and hurt its answer."""

OF_CONTENTS: frozenset[Kind] = frozenset(get_args(OfContents))

OF_REQUESTS: frozenset[Kind] = OF_ANSWERS.union(
    OF_CONTENTS, ("latency", "loss", "errors", "black-hole", "reset", "duplicated", "health-check-lies")
)
"""Those that hurt a request to the part, or what a store answers to it."""

OF_ROADS: tuple[Kind, ...] = ("names-gone", "names-slow", "names-wrong", "partition-one-way")
"""Those that hurt the connections that a part makes."""

LEADING: tuple[Kind, ...] = ("names-wrong", "split-brain")
"""Those that lead a part to another address."""

OF_JOBS: frozenset[Kind] = frozenset({"job-off", "job-stuck"})
"""Those that hurt a job of maintenance."""

BY_HAND: Mapping[str, frozenset[Kind]] = {
    "clock": frozenset({"clock-skew"}),
    "token-key": frozenset({"token-key-mismatch"}),
    "consumers": frozenset({"consumer-stopped", "event-log-trimmed"}),
}
"""What an engineer can set right by hand in a part that runs, and the kinds that are over then."""

OF_PROBER: frozenset[Kind] = frozenset(
    {"metrics-down", "scrape-slow", "prober-blind", "journey-unwatched", "alerts-to-nobody"}
)
"""Those that the prober knows."""

HOLDING: tuple[Kind, ...] = ("latency", "loss")
"""The kinds that can be done to bytes as well as to requests: what they hit is held on its way."""

LONGEST_LEASE = 3600.0
LONGEST_SKEW = 30 * 86400.0

PartName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,60}(@[a-z0-9-]{1,60})?$")]


class FaultSpec(BaseModel):
    """What is to go wrong: with which requests, how, and for how long at most.

    `seconds` is the lease; `share` is the share of requests that are hit, `users` (when set) the share of
    users whose requests are: the same users everywhere and always, for the same `seed`. `route` is a path
    template, with a method before it or without (`POST /api/v1/posts`, `/api/v1/posts/{id}`); None means
    every route. `callers` are the parts whose calls are hit (`frontend@east`), known by their certificates;
    None means everybody's. With `store` (`store-east:6379`, as the sentinels name it) it is what that store
    answers to this part that is late or lost, instead of requests to this part.

    What it is for one kind or few:
    - `delay` in seconds: how late a request, a scrape or the handling of an event is; of a request within
      `jitter` of it, or with a heavy `tail` (see `drawn_delay`). `draws` is the seed of what is drawn, if not
      `seed`, and says nothing about users.
    - `status`: the answer of `errors`.
    - `rate` in bytes a second (`slow-drip`), `keep` the share of a body that arrives (`truncated`,
      `aborted`), and one bit is turned of `every` so many bytes (`corrupted`).
    - `header` is given this `value`, or taken away where that is empty (`wrong-headers`).
    - `job`: the one that is not begun (`job-off`), or that does not end (`job-stuck`).
    - `journey`: the one that is `journey-unwatched`.
    - `ahead` in seconds: by how much a clock is; behind, where it is negative (`clock-skew`).
    - `by` how much numbers of likes are wrong (`counters-wrong`).
    - `again`: seconds until sessions are lost again (`sessions-lost`); 0: they are not.
    - `kilobytes` a second, and at `most` so many megabytes in all (`log-flood`).
    - `delay` is also how long a part lives (`crash-loop`), or waits before it listens (`slow-start`).
    - `pause` and `between`: seconds for which the loop stands still and turns (`loop-blocked`); `threads`
      compute (`cpu-burn`); `megabytes` of memory are taken, `rate` of them a second but for a `memory-hog`.
    - `before`: the memory that the part had before, in bytes, or how often it had died, kept for whoever
      wants to see the difference.
    - `leads_to` is where every name leads (`names-wrong`), or the server of the store that the part takes for
      the primary, whomever the sentinels name (`split-brain`). Without an answer of its resolver a part
      waits for `delay` (`names-gone`, `names-slow`). `beyond` are the addresses to which nothing gets
      (`partition-one-way`), `to` is the service to which no more calls are sent (`connections-exhausted`).
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
    jitter: float | None = Field(default=None, ge=0, le=LONGEST_LEASE)
    tail: float | None = Field(default=None, ge=0, le=LONGEST_LEASE)
    draws: int | None = Field(default=None, ge=0, lt=2**63)
    status: int = Field(default=500, ge=400, le=599)
    rate: int = Field(default=20, ge=1, le=1_000_000)
    keep: float = Field(default=0.5, ge=0, le=1)
    every: int = Field(default=20, ge=1, le=1_000_000)
    header: str = Field(default="content-type", pattern=r"^[a-z0-9-]{1,60}$")
    value: str = Field(default="", max_length=200, pattern=r"^[ -~]*$")
    leads_to: str | None = Field(default=None, max_length=200)
    beyond: tuple[str, ...] = Field(default=(), max_length=200)
    to: str | None = Field(default=None, pattern=r"^[a-z-]{1,60}$")
    seed: int | None = Field(default=None, ge=0, lt=2**63)
    job: str | None = Field(default=None, pattern=r"^[a-z-]{1,60}$")
    journey: str | None = Field(default=None, pattern=r"^[a-z-]{1,60}$")
    ahead: float = Field(default=0.0, ge=-LONGEST_SKEW, le=LONGEST_SKEW)
    by: int = Field(default=0, ge=0, le=1_000_000)
    again: float = Field(default=0.0, ge=0, le=LONGEST_LEASE)
    kilobytes: int = Field(default=1000, ge=100, le=5000)
    most: int = Field(default=20, ge=1, le=200)
    pause: float = Field(default=0.0, ge=0, le=10)
    between: float = Field(default=1.0, ge=0.05, le=LONGEST_LEASE)
    threads: int = Field(default=1, ge=1, le=256)
    megabytes: int = Field(default=0, ge=0, le=4096)
    before: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _latency_has_a_delay(self) -> Self:
        if self.kind in ("latency", "scrape-slow", "consumer-slow") and self.delay == 0:
            raise ValueError(f"{self.kind} needs a delay of more than 0 seconds")
        if (self.jitter or 0) > self.delay or (self.tail and (self.jitter or self.tail <= self.delay)):
            raise ValueError("a jitter is no longer than the delay; a tail is longer, and without jitter")
        if (self.kind in OF_JOBS) != (self.job is not None):
            raise ValueError(f"{self.kind} needs {'a' if self.job is None else 'no'} job")
        if (self.kind == "journey-unwatched") != (self.journey is not None):
            raise ValueError(f"{self.kind} needs {'a' if self.journey is None else 'no'} journey")
        if self.route is not None:
            route_filter(self.route)
        if (self.kind in LEADING) != (self.leads_to is not None):
            raise ValueError(f"{self.kind} {'leads nowhere' if self.leads_to else 'must lead somewhere'}")
        for address in (*self.beyond, *([self.leads_to] if self.leads_to else ())):
            Address.parse(address)
        if self.store is not None:
            Address.parse(self.store)
            if self.kind not in HOLDING:
                raise ValueError(f"of a store there is no injection point {self.kind}")
        return self


def route_filter(route: str) -> tuple[str | None, re.Pattern[str]]:
    """The method (None: any) and the pattern of the paths. Raises ValueError for a malformed template."""
    from starlette.routing import compile_path  # the link, which has no routes, does without it

    method, space, template = route.rpartition(" ")
    pattern, _, _ = compile_path(template)
    return (method if space else None), pattern
