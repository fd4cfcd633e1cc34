"""Outages as Prometheus has recorded them by itself, from the series `journey:down` and its alerts."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from typing import Any

from foundation.clock import Setting
from foundation.failure import Failure
from foundation.state import State
from outages.causes import name_causes
from outages.history import History
from outages.model import Felt
from testbed.instruments import address_of

Samples = list[tuple[float, float]]
"""(Unix seconds, value)"""

SERIES = ("vector", "matrix")
"""Results that have labels."""
ASK_SECONDS = 5.0
BAD_REQUEST = 400
CHUNK_SECONDS = 3600.0
"""Length of one query, so that a long run does not exceed what Prometheus is willing to load."""

SILENCE = 3.0
"""Seconds without a sample after which nobody knows: an outage is taken to end with its last sample."""

ALERTS = {"down": "JourneyDown", "slow": "JourneySlow"}


class BadQuery(Failure):
    """Prometheus does not understand a query."""


class Prometheus:
    """The HTTP API of the site's Prometheus."""

    def __init__(self, address: str, setting: Setting | None = None) -> None:
        """`setting` says how the wall clock was set meanwhile: times are told by the clock as it is now."""
        self._address = address
        self._setting = setting or Setting()

    @classmethod
    def of(cls, state: State, setting: Setting | None = None) -> Prometheus:
        """The one of a site. Raises Failure when the site runs without."""
        address = address_of(state, "prometheus")
        if address is None:
            raise Failure("this site runs without Prometheus", "see: failwhale status; failwhale outages")
        return cls(address, setting)

    def samples(self, selector: str, start: float, end: float) -> list[tuple[dict[str, str], Samples]]:
        """The samples of each series between two times, each with when it was taken. Raises Failure."""
        start, end = self._setting.as_noted(start, end)
        series: dict[tuple[tuple[str, str], ...], Samples] = {}
        while start < end:
            stop = min(end, start + CHUNK_SECONDS)
            query = f"{selector}[{max(1, round((stop - start) * 1000))}ms]"
            for row in self._ask(query, stop):
                samples = series.setdefault(tuple(sorted(row["metric"].items())), [])
                samples += [(self._setting.told_now(float(at)), float(value)) for at, value in row["values"]]
            start = stop
        return [(dict(labels), sorted(set(samples))) for labels, samples in series.items()]

    def now(self, query: str) -> list[tuple[dict[str, str], float]]:
        """What a query says at this moment, by labels. Raises Failure."""
        return [(row["metric"], float(row["value"][1])) for row in self._ask(query, time.time())]

    def outages(self, start: float, end: float) -> list[Felt]:
        """Outages between two times (Unix seconds), with when an alert fired. Raises Failure."""
        found = []
        for kind in ALERTS:
            firing = self.firing(kind, start, end)
            for labels, samples in self.samples(f"journey:{kind}", start, end):
                outages = [Felt(labels["journey"], kind, *times) for times in intervals(samples, end)]
                detect(outages, firing, end)
                found += outages
        return sorted(found, key=lambda outage: outage.start)

    def firing(self, kind: str, start: float, end: float) -> dict[str, list[tuple[float, float | None]]]:
        """By journey, when the alert for this kind of outage was firing. Raises Failure."""
        selector = f'ALERTS{{alertname="{ALERTS[kind]}",alertstate="firing"}}'
        series = self.samples(selector, start, end)
        return {labels["journey"]: intervals(samples, end) for labels, samples in series}

    def _ask(self, query: str, at: float) -> list[dict[str, Any]]:
        parameters = urllib.parse.urlencode({"query": query, "time": f"{at:.3f}"})
        try:
            with urllib.request.urlopen(
                f"http://{self._address}/api/v1/query?{parameters}", timeout=ASK_SECONDS
            ) as answer:
                data = json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            if error.code == BAD_REQUEST:
                raise BadQuery(f"{query}: {_refusal(error)}", "mend the query") from None
            raise Failure(f"Prometheus answers {error.code}: {error.read(200)!r}") from None
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            raise Failure(
                f"Prometheus at {self._address} does not answer: {error}", "see: failwhale status"
            ) from None
        if data["resultType"] not in SERIES:
            raise BadQuery(f"{query}: is a {data['resultType']}, not series", "mend the query: vector(...)")
        return list(data["result"])


def _refusal(error: urllib.error.HTTPError) -> str:
    """Why, as Prometheus says it."""
    try:
        return str(json.load(error)["error"])
    except (ValueError, KeyError):
        return f"status {error.code}"


def intervals(samples: Samples, until: float) -> list[tuple[float, float | None]]:
    """Times in which a 0/1 series, asked for up to `until`, was 1: from its first 1 to the 0 after the last;
    None while the series ends with a 1. Where samples are missing the time ends with its last sample, and so
    it does where the last of all was long before `until`."""
    found: list[tuple[float, float | None]] = []
    start = last = None
    for at, value in samples:
        if start is not None and last is not None and at - last > SILENCE:
            found.append((start, last))
            start = None
        if value and start is None:
            start = at
        elif not value and start is not None:
            found.append((start, at))
            start = None
        last = at
    if start is not None and last is not None:
        found.append((start, last if until - last > SILENCE else None))
    return found


def detect(
    outages: Iterable[Felt], firing: Mapping[str, list[tuple[float, float | None]]], now: float
) -> None:
    """Note for each outage how many seconds after its start an alert began, and whether that was within it.

    An alert that began before belongs to something else; one that began just after the end is late.
    """
    for outage in outages:
        end = now if outage.end is None else outage.end
        began = [
            start for start, _ in firing.get(outage.journey, []) if outage.start <= start <= end + SILENCE
        ]
        outage.detected = bool(began) and min(began) <= end
        outage.detection_delay = round(min(began) - outage.start, 3) if began else None


# --- beside what the prober recorded ---


def recorded(site: State, history: History) -> list[Felt]:
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
