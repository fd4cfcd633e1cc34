"""All modes, each on a site of its own, by the same losses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from drills.durability.loss import LOSSES, Loss
from drills.durability.trial import Trial, lose
from drills.failover.interval import Interval, interval_of
from driver.driver import Driver
from driver.ports import free_edge_ports
from foundation.failure import FAILED, INCONCLUSIVE, OK, Failure
from foundation.interruption import uninterruptible
from foundation.state import State
from foundation.suggestions import unknown
from loadtests.generator import LoadPlan, Shape
from testbed.runtimes.lifecycle import Wishes

SETTING = "FAILWHALE_REPLICATION"
MODES = ("off", "reported", "required")
"""From the one that promises least."""
STEADY_SECONDS = 15
"""Of load without a loss, by which the price of an acknowledgement is measured."""
POST = "POST /posts"

Tell = Callable[[str], None]


@dataclass(frozen=True)
class LossResult:
    """What all trials of a loss came to, in one mode; `failures` are of those that could not be tried."""

    loss: Loss
    trials: Sequence[Trial]
    failures: Sequence[str] = ()

    @property
    def known(self) -> Sequence[Trial]:
        """Those of which it is known what they lost."""
        return [one for one in self.trials if not one.because]

    @property
    def acknowledged(self) -> int | None:
        return self._sum(one.acknowledged for one in self.trials)

    @property
    def lost(self) -> int | None:
        return self._sum(one.lost for one in self.trials)

    @property
    def announced(self) -> int | None:
        return self._sum(one.announced for one in self.trials)

    def _sum(self, numbers: Iterable[int]) -> int | None:
        """What was seen counts whoever saw it; that nothing was seen says something only where it is known of
        a trial. None: nobody can say."""
        return sum(numbers) or (0 if self.known else None)

    @property
    def gone(self) -> Interval | None:
        """Acknowledged writes that are gone after a loss, announced or not. A trial of which it is not known
        does not count: its zero would be one that nobody saw."""
        return interval_of([float(one.lost + one.announced) for one in self.known])

    @property
    def failed(self) -> Interval | None:
        """Writes that got an error, in a loss."""
        return interval_of([float(one.failed) for one in self.trials])

    @property
    def unknown(self) -> Sequence[str]:
        """Why it is not known what some trials lost."""
        return [*self.failures, *(one.because for one in self.trials if one.because)]


@dataclass(frozen=True)
class ModeResult:
    """What one mode costs and loses. The latency is that of a post, in seconds: median and 90 %."""

    mode: str
    p50: float | None
    p90: float | None
    losses: Sequence[LossResult]


def modes_named(names: Iterable[str]) -> Sequence[str]:
    """Those, each once; without any, all. Raises Failure (usage) for an unknown one."""
    wanted = tuple(dict.fromkeys(names)) or MODES
    for name in wanted:
        if name not in MODES:
            raise unknown("mode", name, MODES)
    return wanted


def exit_code(results: Iterable[ModeResult]) -> int:
    """Whether all that was said to be safe is there."""
    losses = [loss for result in results for loss in result.losses]
    if any(loss.lost for loss in losses):
        return FAILED
    return INCONCLUSIVE if any(loss.unknown for loss in losses) else OK


def compare(state: State, modes: Sequence[str], repeat: int, people: int, tell: Tell) -> Sequence[ModeResult]:
    """Start a site in each mode, on plain processes in this folder, and take it down again. Raises Failure
    when one does not come up, and KeyboardInterrupt with nothing left."""
    return [_of_mode(state, mode, repeat, people, tell) for mode in modes]


def _of_mode(state: State, mode: str, repeat: int, people: int, tell: Tell) -> ModeResult:
    driver = Driver(state)
    driver.stop(purge=True)
    try:
        tell(f"{mode}: a site comes up")
        wishes = Wishes(ports=free_edge_ports())
        driver.start(driver.look_ahead(wishes, on="processes", settings={SETTING: mode}))
        driver.populate_if_empty(lambda line: None)
        p50, p90 = _price(driver, people)
        losses = [_of_loss(driver, mode, loss, repeat, people, tell) for loss in LOSSES]
        return ModeResult(mode, p50, p90, losses)
    finally:
        with uninterruptible():
            driver.stop(purge=True)


def _price(driver: Driver, people: int) -> tuple[float | None, float | None]:
    plan = LoadPlan(Shape.STEADY, people, 0.0, STEADY_SECONDS)
    with driver.load(plan) as load:
        load.over.wait()
    for one in load.result.operations:
        if one.operation == POST:
            return one.latency["p50"], one.latency["p90"]
    return None, None


def _of_loss(driver: Driver, mode: str, loss: Loss, repeat: int, people: int, tell: Tell) -> LossResult:
    trials, failures = [], []
    for turn in range(1, repeat + 1):
        tell(f"{mode}: {loss.title}" + (f" ({turn} of {repeat})" if repeat > 1 else ""))
        try:
            trials.append(lose(driver, loss, people))
        except Failure as failure:
            failures.append(failure.message)
            with suppress(Failure):
                driver.heal()
    return LossResult(loss, trials, failures)
