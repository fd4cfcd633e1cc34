"""The latest run of a site as it was recorded: by the prober, and by Prometheus where it runs."""

from __future__ import annotations

from foundation.failure import Failure
from foundation.state import State
from outages.causes import name_causes
from outages.history import History, read
from outages.model import Felt
from outages.prometheus import ALERTS, Prometheus, detect


def history_of(site: State) -> History:
    """The latest run. Raises Failure when there never was one."""
    if not site.ledger.exists():
        raise Failure(f"nothing is recorded in {site.path}", "start a site: failwhale up")
    return read(site.ledger)


def recorded_by_prometheus(site: State, history: History) -> list[Felt]:
    """Its outages over the run, with causes. Raises Failure when it cannot be asked."""
    if history.began is None:
        return []
    now = history.now()
    found = Prometheus.of(site, history.setting).outages(history.began, now)
    name_causes(found, history.faults, now)
    return found


def detect_if_possible(site: State, history: History) -> None:
    """Note what Prometheus noticed, if it runs; without it nothing is said about detection."""
    if history.began is None or not history.outages:
        return
    try:
        prometheus = Prometheus.of(site, history.setting)
        firing = {kind: prometheus.firing(kind, history.began, history.now()) for kind in ALERTS}
    except Failure:
        return
    for kind, alerts in firing.items():
        detect([row for row in history.outages if row.kind == kind], alerts, history.now())
