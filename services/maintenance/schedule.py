"""The one schedule: every job of the site. How often each is done it says itself, in lab days."""

from __future__ import annotations

from services.maintenance.job import Job
from services.maintenance.jobs.trim_events import TrimEvents

SCHEDULE: tuple[Job, ...] = (TrimEvents(),)
