"""Doing the jobs when they are due: one run of each at a time, within a limit, by the part that leads."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from redis.exceptions import RedisError

from services.maintenance.history import Histories, JobHistory
from services.maintenance.job import Context, Job, JobFailed
from services.maintenance.lead import LEASE_SECONDS, Lead
from services.platform.injection.points import InjectionPoints
from services.platform.problems import Problem
from services.platform.store.connection import Lost
from services.platform.tasks import cancel_all

logger = logging.getLogger(__name__)

LOOKS_A_DAY = 20
"""How often in a lab day it is looked whether a job is due; but no more than LOOK_MOST a second."""
LOOK_MOST = 20.0
LOOK_SECONDS = 0.5

TOLD_SECONDS = 60.0
"""Successes of a job that is done more often are not all logged; every failure is."""

MEASURE_SECONDS = 5.0
"""How often it is measured what grows; more often where a lab day is shorter than that, each second at
most."""

ALONE_SECONDS = 10.0
"""While nobody can lead, what needs no store is done as often, however rarely it is due: it may be what keeps
everybody from leading."""

SHORTEST_LIMIT_SECONDS = 10.0
LONGEST_LIMIT_SECONDS = 600.0

STORE_ERRORS = (Problem, RedisError, Lost)


class Runner:
    """The jobs of one part. While it does not lead it only waits for the lease."""

    def __init__(
        self,
        schedule: Sequence[Job],
        context: Context,
        lead: Lead,
        faults: InjectionPoints,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.jobs = {job.name: job for job in schedule if job.is_for(context.settings)}
        self.lead = lead
        self.histories: dict[str, JobHistory] = {}
        """By job; empty while this part does not lead."""
        self.grown: dict[str, float] = {}
        """What grows, by the name of its gauge, as it was measured last."""
        self._context = context
        self._kept = Histories(context.store)
        self._clock = clock
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._begun: dict[str, float] = {}
        self._measuring: asyncio.Task[None] | None = None
        self._measured_at = float("-inf")
        self._asked_lead_at = float("-inf")
        self._not_kept: set[str] = set()
        self._told_at: dict[str, float] = {}
        self._wanted_at: dict[str, float] = {}
        """By job: when somebody wanted it done at once."""
        self._nobody_leads_since: float | None = None
        """Since when the store does not say who leads, nor lets anybody."""
        self._faults = faults
        self._set_aside: set[str] = set()
        """Jobs that are due and not begun, since a fault is in force."""

    async def run(self) -> None:
        """Do what is due until cancelled; then another part may lead at once."""
        day = self._context.lab.day_seconds
        pause = min(LOOK_SECONDS, max(1 / LOOK_MOST, day / LOOKS_A_DAY))
        try:
            while True:
                await self._look()
                await asyncio.sleep(pause)
        finally:
            await self._stop()
            if self.lead.is_ours:
                try:
                    await self.lead.leave()
                except STORE_ERRORS as error:
                    logger.debug("the lease runs out by itself: %s", error)

    # what others see

    def interval(self, name: str) -> float:
        """Seconds from one run of a job to the next."""
        job = self.jobs[name]
        return max(job.shortest_seconds, self._context.lab.seconds(job.every_days))

    def limit(self, name: str) -> float:
        """Seconds after which a run is cut."""
        return min(LONGEST_LIMIT_SECONDS, max(SHORTEST_LIMIT_SECONDS, self.interval(name)))

    def running_for(self, name: str) -> float:
        """Seconds since the run began that is under way; 0: there is none."""
        return time.monotonic() - self._begun[name] if name in self._runs else 0.0

    def due_in(self, name: str) -> float:
        """Seconds until a job is to be begun; negative: since when it is."""
        due = self.histories[name].due(self.interval(name))
        return min(due, self._wanted_at.get(name, due)) - self._clock()

    def age(self, name: str) -> float:
        """Seconds since the last success."""
        return self.histories[name].age(self._clock())

    def is_late(self, name: str) -> bool:
        return self.histories[name].is_late(self.interval(name), self._clock())

    def want_now(self, name: str) -> None:
        """Have a job done at once, for whoever looks after the site. Raises KeyError for one that there is
        not."""
        self._wanted_at.setdefault(self.jobs[name].name, self._clock())

    def resume(self, name: str) -> None:
        """Let a job be done again that was stopped, or does not end: the run that is under way is cut, and
        whatever kept it from being done is over. Raises KeyError for one that there is not."""
        job = self.jobs[name]
        self._faults.end(lambda applied: applied.fault.job == job.name)
        if (run := self._runs.get(job.name)) is not None:
            run.cancel()

    # what is done

    async def _look(self) -> None:
        if not await self._leads():
            if self.histories:
                logger.info("%s leads now", self.lead.holder or "nobody known")
                await self._stop()
            self._do_alone()
            return
        for name in list(self._not_kept):
            await self._keep(name)
        for name, job in self.jobs.items():
            if name not in self._runs and self.due_in(name) <= 0 and not self._is_off(name):
                self._begin(job)
        self._measure()

    async def _leads(self) -> bool:
        """Whether this part leads, with the lease renewed and what is known of the jobs at hand."""
        now = time.monotonic()
        if now >= self._asked_lead_at + LEASE_SECONDS / 3:
            self._asked_lead_at = now
            try:
                await self.lead.take()
                self._nobody_leads_since = None
                if self.lead.is_ours and not self.histories:
                    self.histories = await self._kept.load(self.jobs, self._clock())
                    self._not_kept = set(self.jobs)
                    logger.info(
                        "leads: %d jobs, a lab day takes %g s", len(self.jobs), self._context.lab.day_seconds
                    )
            except STORE_ERRORS as error:
                logger.debug("asking who leads: %s", error)
                self._nobody_leads_since = self._nobody_leads_since or now
        return self.lead.is_ours and bool(self.histories)

    def _do_alone(self) -> None:
        """Begin the jobs that need no store, once it is clear that nobody can lead."""
        now = time.monotonic()
        if self._nobody_leads_since is None or now < self._nobody_leads_since + LEASE_SECONDS:
            return
        for name, job in self.jobs.items():
            every = min(self.interval(name), ALONE_SECONDS)
            is_due = now >= self._begun.get(name, float("-inf")) + every
            if not job.needs_store and is_due and name not in self._runs and not self._is_off(name):
                self._begin_task(name, self._run_alone(job))

    async def _run_alone(self, job: Job) -> None:
        """One run of which nothing is kept but a line in the log."""
        done, error = await self._attempt(job)
        if error is None:
            logger.info("job %s, while nobody leads: %s", job.name, done)

    def _is_off(self, name: str) -> bool:
        """Whether a fault keeps this job, which is due, from being begun."""
        fault = self._faults.of_job(name)
        if fault is None or fault.fault.kind != "job-off":
            return False
        if name not in self._set_aside:
            self._set_aside.add(name)
            self._faults.hit(fault)
        return True

    def _begin(self, job: Job) -> None:
        self._set_aside.discard(job.name)
        self._wanted_at.pop(job.name, None)
        self.histories[job.name] = self.histories[job.name].at_begin(self._clock())
        self._begin_task(job.name, self._do(job))

    def _begin_task(self, name: str, run: Coroutine[Any, Any, None]) -> None:
        self._begun[name] = time.monotonic()
        task = asyncio.create_task(run, name=f"job {name}")
        self._runs[name] = task
        task.add_done_callback(lambda _: self._runs.pop(name, None))

    async def _do(self, job: Job) -> None:
        """One run, and what became of it. Cancelled without a word: then this part leads no more."""
        await self._keep(job.name)
        done, error = await self._attempt(job)
        seconds = time.monotonic() - self._begun[job.name]
        if error is None:
            self._tell(job.name, f"{done} ({seconds:.3f} s)")
        self.histories[job.name] = self.histories[job.name].at_end(self._clock(), seconds, error)
        await self._keep(job.name)

    async def _attempt(self, job: Job) -> tuple[str, str | None]:
        """Run it within its limit: what was done, and why it failed (None: it did not)."""
        limit = self.limit(job.name)
        try:
            async with asyncio.timeout(limit) as bounded:
                await self._unless_stuck(job.name)
                return await job.run(self._context), None
        except Exception as failure:
            error = f"not done after {limit:g} s" if bounded.expired() else str(failure) or repr(failure)
            known = isinstance(failure, (*STORE_ERRORS, OSError, JobFailed))
            logger.warning("job %s failed: %s", job.name, error, exc_info=None if known else failure)
            return "", error

    def _tell(self, name: str, done: str) -> None:
        """Log a success: the first one after a failure, and otherwise one in TOLD_SECONDS."""
        now = time.monotonic()
        if self.histories[name].error is not None or now >= self._told_at.get(name, 0.0) + TOLD_SECONDS:
            self._told_at[name] = now
            logger.info("job %s: %s", name, done)

    async def _unless_stuck(self, name: str) -> None:
        """While a fault keeps this job from ending, the run gets nowhere."""
        while (fault := self._faults.of_job(name)) is not None and fault.fault.kind == "job-stuck":
            self._faults.hit(fault)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._faults.remaining(fault)):
                    await fault.ended.wait()

    async def _keep(self, name: str) -> None:
        """Keep what is known of a job in the store, at the next look where that cannot be now."""
        self._not_kept.discard(name)
        try:
            await self._kept.keep(name, self.histories[name])
        except STORE_ERRORS as error:
            logger.debug("keeping the history of %s: %s", name, error)
            self._not_kept.add(name)

    def _measure(self) -> None:
        now = time.monotonic()
        every = min(MEASURE_SECONDS, max(1.0, self._context.lab.day_seconds))
        if now >= self._measured_at + every and (self._measuring is None or self._measuring.done()):
            self._measured_at = now
            self._measuring = asyncio.create_task(self._measure_all(), name="measuring what grows")

    async def _measure_all(self) -> None:
        for job in self.jobs.values():
            try:
                async with asyncio.timeout(MEASURE_SECONDS):
                    self.grown.update(await job.measure(self._context))
            except (*STORE_ERRORS, OSError, JobFailed) as error:  # TimeoutError is an OSError
                logger.debug("measuring for %s: %s", job.name, error)
                for name in job.grows:
                    self.grown.pop(name, None)

    async def _stop(self) -> None:
        """Cut what runs, and forget what only the one who leads may say."""
        measuring = [self._measuring] if self._measuring is not None else []
        await cancel_all([*self._runs.values(), *measuring])
        self.histories, self.grown = {}, {}
        self._not_kept.clear()
        self._wanted_at.clear()
