"""The one schedule: every job of the site. How often each is done it says itself, in lab days."""

from __future__ import annotations

from services.maintenance.job import Job
from services.maintenance.jobs.back_up_store import BackUpStore
from services.maintenance.jobs.re_attach_replica import ReAttachReplica
from services.maintenance.jobs.reconcile_counters import ReconcileCounters
from services.maintenance.jobs.renew_certificates import RenewCertificates
from services.maintenance.jobs.rotate_logs import RotateLogs
from services.maintenance.jobs.trim_data import TrimData
from services.maintenance.jobs.trim_events import TrimEvents

SCHEDULE: tuple[Job, ...] = (
    RenewCertificates(),
    ReAttachReplica(),
    TrimEvents(),
    TrimData(),
    RotateLogs(),
    ReconcileCounters(),
    BackUpStore(),
)
