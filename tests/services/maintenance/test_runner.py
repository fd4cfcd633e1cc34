"""Who does the jobs, when, one run at a time; and what is known of them afterwards."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from redis.exceptions import OutOfMemoryError

from services.maintenance import runner as runner_module
from services.maintenance.history import GRACE_SECONDS, Histories, JobHistory
from services.maintenance.job import Context, Job, JobFailed
from services.maintenance.lead import LEASE_SECONDS, Lead
from services.maintenance.metrics import JobMetrics
from services.maintenance.runner import Runner
from services.platform.injection.points import InjectionPoints
from services.platform.injection.spec import FaultSpec
from services.platform.lab_time import LabTime
from services.platform.metrics import Metrics
from services.platform.problems import Problem


class Chore(Job):
    """Counts its runs, and does in each what it is told."""

    name = "chore"
    every_days = 0.1
    shortest_seconds = 0.1
    grows = {"dust_grams": "Dust."}  # noqa: RUF012 (a test's)

    def __init__(self, work: Callable[[], object] = lambda: None) -> None:
        self.runs = 0
        self.at_work = 0
        self.most_at_work = 0
        self.work = work

    async def run(self, context: Context) -> str:
        self.runs += 1
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            waited_for = self.work()
            if asyncio.isfuture(waited_for):
                await waited_for
        finally:
            self.at_work -= 1
        return "swept"

    async def measure(self, context: Context) -> dict[str, float]:
        return {"dust_grams": 3.0}


def fails() -> None:
    raise JobFailed("no broom")


@pytest.fixture
def quick(context) -> Context:
    """A lab day of a second, and the job may be begun ten times in it."""
    return replace(context, lab=LabTime(1))


@asynccontextmanager
async def running(
    context: Context, *jobs: Job, name: str = "maintenance@east", faults: InjectionPoints | None = None
) -> AsyncIterator[Runner]:
    runner = Runner(jobs, context, Lead(context.store, name), faults or InjectionPoints())
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (there is no event for it)
            await asyncio.sleep(0.01)


async def test_a_job_is_done_again_and_again_and_that_is_known(quick):
    chore = Chore()
    async with running(quick, chore) as runner:
        await until(lambda: chore.runs >= 3)
        await until(lambda: runner.histories["chore"].succeeded)
        history = runner.histories["chore"]
        assert (history.failures, history.error) == (0, None)
        assert 0 <= history.duration < 1
        assert not runner.is_late("chore")


async def test_a_job_is_never_begun_while_it_runs(quick):
    forever = asyncio.get_running_loop().create_future()
    chore, other = Chore(lambda: forever), Chore()
    other.name = "other"
    async with running(quick, chore, other) as runner:
        await until(lambda: other.runs >= 4)
        assert (chore.runs, chore.most_at_work) == (1, 1)
        assert runner.running_for("chore") > 0.2
        forever.set_result(None)
        await until(lambda: chore.runs >= 2)


async def test_a_run_that_does_not_end_is_cut_at_its_limit_and_has_failed(quick, monkeypatch):
    monkeypatch.setattr(runner_module, "SHORTEST_LIMIT_SECONDS", 0.2)
    chore = Chore(lambda: asyncio.get_running_loop().create_future())
    async with running(quick, chore) as runner:
        await until(lambda: runner.histories and runner.histories["chore"].failures)
        assert runner.histories["chore"].error == "not done after 0.2 s"
        await until(lambda: chore.runs >= 2)
        assert chore.most_at_work == 1


async def test_a_failure_is_told_and_the_job_is_done_again_soon(quick, caplog):
    chore = Chore(fails)
    async with running(replace(quick, lab=LabTime(10)), chore) as runner:  # due each second
        await until(lambda: runner.histories)
        runner.want_now("chore")
        await until(lambda: chore.runs >= 2)  # a tenth of the interval later
        assert runner.histories["chore"].error == "no broom"
        assert runner.histories["chore"].succeeded is None
        assert "job chore failed: no broom" in caplog.text
        chore.work = lambda: None
        await until(lambda: runner.histories["chore"].error is None)
        assert runner.histories["chore"].failures >= 1


async def test_one_leads_and_the_other_takes_over_when_it_is_dead(quick, monkeypatch):
    monkeypatch.setattr("services.maintenance.lead.LEASE_SECONDS", 0.5)
    monkeypatch.setattr(runner_module, "LEASE_SECONDS", 0.5)
    first, second = Chore(), Chore()
    async with running(quick, second, name="maintenance@west") as west:
        await until(lambda: west.lead.is_ours)
        async with running(quick, first) as east:
            await until(lambda: east.lead.holder == "maintenance@west")
            assert not east.histories
            await until(lambda: second.runs >= 2)
            assert first.runs == 0

            async def never_again() -> None:
                raise OSError("dead")

            runs_before = west.histories["chore"].runs
            monkeypatch.setattr(west.lead, "take", never_again)  # its loop ends, as if it were killed
            monkeypatch.setattr(west.lead, "leave", never_again)
            await until(lambda: first.runs >= 1)
            assert east.histories["chore"].runs > runs_before  # it goes on from what the other one knew


async def test_who_leads_and_is_stopped_lets_the_other_lead_at_once(quick):
    async with running(quick, Chore()) as east:
        await until(lambda: east.lead.is_ours)
    lead = Lead(quick.store, "maintenance@west")
    await lead.take()
    assert lead.is_ours


async def test_what_grows_is_measured_while_a_job_is_not_done_and_told_by_who_leads_only(quick):
    forever = asyncio.get_running_loop().create_future()
    async with running(quick, Chore(lambda: forever)) as east:
        await until(lambda: east.grown and east.running_for("chore"))
        async with running(quick, Chore(), name="maintenance@west") as west:
            await until(lambda: west.lead.holder)
            said = {runner: _exposed(runner) for runner in (east, west)}
    assert {
        "maintenance_leads 1.0",
        "dust_grams 3.0",
        'maintenance_job_runs_total{job_name="chore"} 1.0',
    } <= said[east]
    assert 'maintenance_job_interval_seconds{job_name="chore"} 0.1' in said[east]
    assert any(
        line.startswith('maintenance_job_last_success_age_seconds{job_name="chore"}') for line in said[east]
    )
    assert "maintenance_leads 0.0" in said[west]
    assert not [line for line in said[west] if line.startswith(("maintenance_job", "dust"))]


def _exposed(runner: Runner) -> set[str]:
    metrics = Metrics(runner._context.settings)
    metrics.registry.register(JobMetrics(runner, 1.0))
    return set(metrics.expose().decode().splitlines())


async def test_the_first_run_is_an_interval_after_the_start_and_lateness_is_two(context):
    history = (await Histories(context.store).load(["chore"], 1000.0))["chore"]
    assert (history.due(10), history.age(1004.0), history.is_late(10, 1020 + GRACE_SECONDS)) == (
        1010,
        4,
        False,
    )
    assert history.is_late(10, 1020.1 + GRACE_SECONDS)
    done = history.at_begin(1010).at_end(1012, 2.0, None)
    assert (done.due(10), done.age(1013), done.runs, done.failures) == (1020, 1, 1, 0)
    failed = done.at_begin(1020).at_end(1021, 1.0, "no broom")
    assert (failed.due(10), failed.succeeded, failed.failures, failed.error) == (1021, 1012, 1, "no broom")


async def test_what_is_kept_of_a_job_is_read_again_and_nonsense_or_a_time_to_come_is_not(context):
    kept = Histories(context.store)
    history = JobHistory(since=1000.0, begun=1010.0, succeeded=1012.0, duration=2.0, runs=7)
    await kept.keep("chore", history)
    assert await kept.load(["chore"], 1020.0) == {"chore": history}
    assert await kept.load(["chore"], 500.0) == {"chore": JobHistory(500.0)}
    await context.store.redis.hset("maintenance-jobs", "chore", "nonsense")
    now = time.time()
    assert await kept.load(["chore"], now) == {"chore": JobHistory(now)}


async def test_a_job_that_is_off_is_due_and_not_begun_and_done_when_it_is_on_again(quick):
    chore, other, faults = Chore(), Chore(), InjectionPoints()
    other.name = "other"
    faults.put("one", FaultSpec(kind="job-off", seconds=60, job="chore"))
    async with running(quick, chore, other, faults=faults) as runner:
        await until(lambda: other.runs >= 5)
        assert (chore.runs, runner.running_for("chore")) == (0, 0)
        assert runner.due_in("chore") < -0.2
        assert faults.active()[0].hits == 1
        faults.remove("one")
        await until(lambda: chore.runs >= 1)


async def test_a_job_that_is_stuck_is_begun_gets_nowhere_and_goes_on_when_the_lease_ends(quick, monkeypatch):
    monkeypatch.setattr(runner_module, "SHORTEST_LIMIT_SECONDS", 0.3)
    chore, faults = Chore(), InjectionPoints()
    faults.put("one", FaultSpec(kind="job-stuck", seconds=1.2, job="chore"))
    async with running(quick, chore, faults=faults) as runner:
        await until(lambda: runner.histories and runner.histories["chore"].failures >= 2)
        assert runner.histories["chore"].error == "not done after 0.3 s"
        assert runner.histories["chore"].succeeded is None
        assert chore.runs == 0
        await until(lambda: runner.histories["chore"].succeeded)
        assert not faults.active()


@pytest.mark.parametrize("wrong", [{"kind": "job-off"}, {"kind": "errors", "job": "chore"}])
def test_a_fault_is_of_a_job_or_of_requests(wrong):
    with pytest.raises(ValueError, match="job"):
        FaultSpec(seconds=1, **wrong)


@pytest.fixture
def full_store(sentinels: Any) -> Iterator[Callable[[], None]]:
    """Call it, and the store takes nothing more."""
    client = sentinels.pair.primary.client
    yield lambda: client.config_set("maxmemory", 1)
    client.config_set("maxmemory", 0)


async def test_while_the_store_is_full_jobs_are_done_which_may_give_it_room(quick, full_store):
    chore = Chore()
    async with running(quick, chore) as runner:
        await until(lambda: chore.runs >= 1)
        full_store()
        with pytest.raises(OutOfMemoryError):
            await quick.store.redis.set("anything", "more")
        runs, since = chore.runs, time.monotonic()
        await until(lambda: time.monotonic() > since + LEASE_SECONDS and chore.runs > runs + 2)
        assert runner.lead.is_ours
        assert (await Histories(quick.store).load(["chore"], time.time()))["chore"].runs > runs + 1


async def test_another_part_may_come_to_lead_while_the_store_is_full(quick, full_store):
    full_store()
    chore = Chore()
    async with running(quick, chore):
        await until(lambda: chore.runs >= 2)


@pytest.fixture
def nobody_leads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The store refuses to say who leads, and that is clear at once."""

    async def refused(lead: Lead) -> None:
        raise Problem(503, "store-unavailable", "No", "The disk is full.")

    monkeypatch.setattr(runner_module, "LEASE_SECONDS", 0.2)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Lead, "take", refused)
        yield


def chores(**needs_store: bool) -> list[Chore]:
    made = []
    for name, needs_it in needs_store.items():
        made.append(Chore())
        made[-1].name, made[-1].needs_store = name, needs_it
    return made


async def test_what_needs_no_store_is_done_while_nobody_can_lead(quick, nobody_leads, caplog):
    caplog.set_level("INFO")
    with_store, without = chores(with_store=True, without=False)
    async with running(quick, with_store, without):
        await until(lambda: without.runs >= 3)
        assert (with_store.runs, without.most_at_work) == (0, 1)
        assert "job without, while nobody leads: swept" in caplog.text


async def test_once_somebody_can_lead_all_is_done_and_known_again(quick):
    without, with_store = chores(without=False, with_store=True)
    async with running(quick, with_store, without) as runner:
        runner._nobody_leads_since = 0.0
        runner._do_alone()
        assert list(runner._runs) == ["without"]
        await until(lambda: with_store.runs and runner.histories["without"].succeeded)
        assert runner._nobody_leads_since is None


async def test_what_needs_no_store_waits_where_another_one_leads(quick):
    (first,), (second,) = chores(first=True), chores(second=False)
    async with running(quick, first), running(quick, second, name="maintenance@west") as other:
        await until(lambda: first.runs >= 5)
        assert (second.runs, other.lead.is_ours) == (0, False)


async def test_a_fault_keeps_a_job_also_from_who_does_it_without_a_leader(quick, nobody_leads):
    faults = InjectionPoints()
    faults.put("off", FaultSpec(kind="job-off", seconds=60, job="off"))
    off, failing = chores(off=False, failing=False)
    failing.work = fails
    async with running(quick, off, failing, faults=faults):
        await until(lambda: failing.runs >= 3)  # one that fails ends nobody
        assert off.runs == 0
