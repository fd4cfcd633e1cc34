"""What Prometheus is told of the jobs, by the part that leads: so each job has one set of series."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.maintenance.runner import Runner

JOB = "job_name"
"""The label. Prometheus has a `job` of its own: what it scrapes."""


class JobMetrics(Collector):
    """Reads the runner at each scrape."""

    def __init__(self, runner: Runner, day_seconds: float) -> None:
        self._runner = runner
        self._day_seconds = day_seconds

    def describe(self) -> Iterator[Metric]:
        """Nothing: what there is depends on who leads."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        runner = self._runner
        leads = bool(runner.histories)
        yield GaugeMetricFamily("lab_day_seconds", "How long a lab day takes.", self._day_seconds)
        yield GaugeMetricFamily("maintenance_leads", "Whether this part does the jobs.", int(leads))
        if not leads:
            return
        age = _of_jobs(
            "last_success_age_seconds", "Since the last success; the first is counted from the start."
        )
        interval = _of_jobs("interval_seconds", "From one run to the next.")
        duration = _of_jobs("duration_seconds", "Of the last run that ended.")
        running = _of_jobs("running_seconds", "Since the run began that is under way; 0: none is.")
        runs = CounterMetricFamily("maintenance_job_runs", "Runs that were begun.", labels=[JOB])
        failures = CounterMetricFamily("maintenance_job_failures", "Runs that failed.", labels=[JOB])
        for name, history in runner.histories.items():
            age.add_metric([name], runner.age(name))
            interval.add_metric([name], runner.interval(name))
            running.add_metric([name], runner.running_for(name))
            runs.add_metric([name], history.runs)
            failures.add_metric([name], history.failures)
            if history.duration is not None:
                duration.add_metric([name], history.duration)
        yield from (age, interval, duration, running, runs, failures)
        for job in runner.jobs.values():
            for name, what in job.grows.items():
                if name in runner.grown:
                    yield GaugeMetricFamily(name, what, runner.grown[name])


def _of_jobs(name: str, what: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"maintenance_job_{name}", what, labels=[JOB])
