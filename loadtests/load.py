"""A load on a site from its beginning to its result, written down in the ledger.

Locust runs in a process of its own (see generator.py).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from foundation.failure import INTERRUPTED, Failure
from foundation.ledger import Ledger
from foundation.state import State
from loadtests.generator import Generator, LoadPlan
from loadtests.target import Target

Tell = Callable[[Mapping[str, Any]], None]
"""Is told once a second how a load goes: as Tally.progress says, and `elapsed`, seconds since it began."""

Spread = Mapping[str, float | None]
"""Percentiles by name, in seconds; None each when there are no values."""

POLL = 0.1
"""Seconds between two looks whether a load has begun."""


@dataclass(frozen=True)
class Operation:
    """One thing that people did."""

    operation: str
    count: int
    good: int
    latency: Spread


@dataclass(frozen=True)
class Result:
    """What a load did; the words are those of tally.py."""

    offered: int
    sent: int
    completed: int
    good: int
    latency: Spread
    errors: Mapping[str, int]
    not_sent: Mapping[str, int]
    generator_kept_up: bool
    generator_lag: Spread
    operations: Sequence[Operation]

    @classmethod
    def of(cls, summary: Mapping[str, Any]) -> Result:
        """As a generator tells it."""
        return cls(**{**summary, "operations": [Operation(**row) for row in summary["operations"]]})


class Load:
    """A load that goes on. Made by `running` and `beside`."""

    def __init__(self, plan: LoadPlan, generator: Generator) -> None:
        self.plan = plan
        self.elapsed = 0.0
        """Seconds since the load began, as it told last: once a second."""
        self.interrupted_after: float | None = None
        """The same when it was interrupted; None when it was not."""
        self.over = threading.Event()
        self._generator = generator
        self._result: Result | None = None
        self._failure: Failure | None = None

    def listen(self, tell: Tell = lambda now: None) -> None:
        """Wait for its end, and be told how it goes until then."""
        for kind, content in self._generator.messages():
            if kind == "summary":
                self._result = Result.of(content)
                break
            self.elapsed = content["elapsed"]
            tell(content)
        else:
            early = Failure("interrupted before the load began", code=INTERRUPTED)
            self._failure = self._generator.failure() if self.interrupted_after is None else early
        self.over.set()

    def wait_until_under_way(self) -> None:
        """Somebody else listens. Raises Failure when it ends before it has begun."""
        while not (self.elapsed or self.over.wait(POLL)):
            pass
        if self._failure is not None:
            raise self._failure

    def interrupt(self) -> None:
        """Ask it to end now; who listens gets a result all the same."""
        if not self.over.is_set():
            self.interrupted_after = self.elapsed
            self._generator.interrupt()

    @property
    def result(self) -> Result:
        """Once it is over. Raises Failure when there is none."""
        if self._result is None:
            raise self._failure or Failure("the load still goes on")
        return self._result

    def row(self) -> dict[str, Any]:
        """What was asked for, and the result, for scripts. Raises Failure as `result` does."""
        return {**asked(self.plan), **asdict(self.result)}

    def counts(self) -> dict[str, Any]:
        """For the ledger; empty without a result."""
        names = ("offered", "sent", "completed", "good", "errors")
        return {name: getattr(self._result, name) for name in names} if self._result else {}


@contextmanager
def running(state: State, plan: LoadPlan) -> Iterator[Load]:
    """A load for who listens to it; none is left when the block is. Raises Failure when the site is not up,
    nobody lives there, or it is not on this machine."""
    Target.of(state)
    ledger = Ledger(state.ledger)
    ledger.append("load.started", **asked(plan))
    load: Load | None = None
    try:
        with Generator(plan, {"FAILWHALE_STATE": str(state.path)}) as generator:
            load = Load(plan, generator)
            yield load
    finally:
        interrupted = load is not None and load.interrupted_after is not None
        counts = load.counts() if load else {}
        ledger.append("load.finished", load=plan.name, interrupted=interrupted, **counts)
        ledger.close()


@contextmanager
def beside(state: State, plan: LoadPlan, tell: Tell = lambda now: None) -> Iterator[Load]:
    """The same while the block does something else: a thread listens. The block begins once people use the
    site, so that what it breaks is broken for them. The load ends with it, and has its result afterwards."""
    with running(state, plan) as load:
        listener = threading.Thread(target=load.listen, args=(tell,), daemon=True)
        listener.start()
        try:
            load.wait_until_under_way()
            yield load
        finally:
            load.interrupt()
            listener.join()


def asked(plan: LoadPlan) -> dict[str, Any]:
    """A plan as the ledger and scripts are told."""
    return {
        "shape": plan.shape.value,
        "people": plan.people,
        "rate": plan.rate or 2.0 * plan.people,
        "seconds": plan.seconds,
        "ignore_retry_after": plan.ignore_retry_after,
        "load": plan.name,
    }
