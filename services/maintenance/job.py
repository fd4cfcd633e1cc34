"""What a job is, and what it gets to work with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from services.maintenance.servers import Servers
from services.platform.injection.points import InjectionPoints
from services.platform.lab_time import LabTime
from services.platform.metrics import Metrics
from services.platform.settings import Settings
from services.platform.store import Store


@dataclass(frozen=True)
class Context:
    """What jobs work with. All of them share one."""

    settings: Settings
    lab: LabTime
    store: Store
    servers: Servers
    """The servers of the store, one by one: whom a backup is taken from, who follows whom."""
    metrics: Metrics
    """`metrics.registry` takes a metric of a job's own that has labels; one without is told by `measure`."""
    faults: InjectionPoints = field(default_factory=InjectionPoints)


class JobFailed(Exception):
    """A job cannot do its work; the message says why."""


class Job(ABC):
    """Work that the site needs done again and again. One file each in services/maintenance/jobs, and a line
    in services/maintenance/schedule.py.

    A run may be cut at any point (the part is killed, it leads no more, the limit has passed), and the next
    one begins from the start: what a job does must bear being done twice.
    """

    name: ClassVar[str]
    """As people and metrics call it: `back-up-store`."""
    every_days: ClassVar[float]
    """Lab days from the beginning of one run to that of the next."""
    shortest_seconds: ClassVar[float] = 1.0
    """However short a lab day is, runs begin no closer to each other than this."""
    needs_store: ClassVar[bool] = True
    """Whether it does anything at the store. One that does not is also done while nobody can lead, for the
    lease is in the store as well; two parts may come to do it at once then."""
    grows: ClassVar[Mapping[str, str]] = {}
    """What creeps up while the job is not done: names of gauges, and what each of them tells."""

    @abstractmethod
    async def run(self, context: Context) -> str:
        """Do it once; returns in a few words what was done, for the log. Any exception is a failure."""

    async def measure(self, context: Context) -> Mapping[str, float]:
        """The values of `grows` now, cheaply: it is asked every few seconds, also while the job is not done.
        What cannot be told at the moment is left out, or raised."""
        return {}

    def is_for(self, settings: Settings) -> bool:
        """Whether there is anything to do for it where the site runs."""
        return True
