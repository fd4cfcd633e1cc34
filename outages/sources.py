"""What the live view asks the parts of a site, in threads, so that drawing never waits for an answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from foundation.failure import Failure
from foundation.state import State
from outages.prometheus import Prometheus
from testbed.error_words import Names, names_in
from testbed.instruments import prober_now
from testbed.sitefile import SiteFile

ASK_EVERY = 0.4
ASK_PARTS_EVERY = 3.0
ASK_PROMETHEUS_EVERY = 2.0
WATCHED_SECONDS = 3.0
"""Seconds after the last drawing in which somebody is thought to look still."""

UNANSWERED = (Failure, OSError, KeyError, ValueError)

REQUESTS = 'sum by (place) (rate(http_server_request_duration_seconds_count{service="frontend"}[5s]))'
FIRING = 'max by (alertname, journey, service, place) (ALERTS{alertstate="firing"})'


class Sources:
    """The latest answers. They are asked for while somebody draws, and what does not answer is left as it is
    or empty."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.journeys: dict[str, dict[str, Any]] = {}
        self.recent: dict[str, dict[str, Any]] = {}
        self.record: dict[str, Any] = {}
        self.names: Names = {}
        self.parts: list[str] = []
        """Those that are not well, and how they are."""
        self.is_down = False
        """Whether somebody took the site down meanwhile."""
        self.blocked = False
        self.promotions: list[tuple[float, str]] = []
        """(Unix seconds, store) of those seen since somebody looks."""
        self.requests: dict[str, float] = {}
        """Requests per second, by edge."""
        self.alerts: list[str] = []
        """Those that fire, each with all that it is about."""
        self._primary = ""
        self._asking: list[threading.Thread] = []
        self._drawn = 0.0

    def keep_asking(self) -> None:
        """See that the threads run. The first time, have an answer of the prober before anything is drawn."""
        first, self._drawn = not self._drawn, time.monotonic()
        if first:
            self._ask_prober()
        if any(thread.is_alive() for thread in self._asking):
            return
        self._asking = [
            threading.Thread(target=self._repeat, args=question, daemon=True)
            for question in self._questions()
        ]
        for thread in self._asking:
            thread.start()

    def ask(self) -> None:
        """Ask everything once, and wait for the answers."""
        for ask, _ in self._questions():
            ask()

    def _questions(self) -> Iterable[tuple[Callable[[], None], float]]:
        """Each with the seconds after which it is asked again."""
        return (
            (self._ask_prober, ASK_EVERY),
            (self._ask_runtime, ASK_PARTS_EVERY),
            (self._ask_controller, ASK_PARTS_EVERY),
            (self._ask_prometheus, ASK_PROMETHEUS_EVERY),
        )

    def close(self) -> None:
        """Nothing is drawn after this, so nobody is asked any more: a site that is taken down must not be."""
        self._drawn = -WATCHED_SECONDS

    def _repeat(self, ask: Callable[[], None], every: float) -> None:
        while time.monotonic() - self._drawn < WATCHED_SECONDS:
            ask()
            time.sleep(every)

    def _ask_prober(self) -> None:
        with suppress(Failure):
            site = SiteFile.read_if_made(self._state)
            self.is_down = site is None or site.is_down
        said = prober_now(self._state)
        self.journeys, self.recent = said.get("journeys", {}), said.get("recent", {})
        self.record = said.get("record", {})

    def _ask_runtime(self) -> None:
        from testbed.choice import runtime_of

        self.names = names_in(self._state)
        with suppress(*UNANSWERED):
            parts = runtime_of(self._state).status()
            self.parts = [
                f"{part.name} {'paused' if part.paused else 'not ready' if part.running else 'down'}"
                for part in parts
                if part.paused or not part.ready
            ]
            primary = next((part.name for part in parts if part.role == "primary"), "")
            if primary and self._primary and primary != self._primary:
                self.promotions.append((time.time(), primary))
            self._primary = primary or self._primary

    def _ask_controller(self) -> None:
        from testbed.control import Unreachable
        from testbed.endpoints import Endpoints

        with suppress(Unreachable, *UNANSWERED):
            site = Endpoints(self._state)
            answer = site.control(site.inventory.part("chaos")).ask("GET", "/faults")
            self.blocked = bool(answer.json()["blocked"])

    def _ask_prometheus(self) -> None:
        try:
            prometheus = Prometheus.of(self._state)
            requests, firing = prometheus.now(REQUESTS), prometheus.now(FIRING)
        except UNANSWERED:
            self.requests, self.alerts = {}, []
            return
        self.requests = {labels.get("place", ""): rate for labels, rate in requests}
        self.alerts = _spell_alerts(labels for labels, _ in firing)


def _spell_alerts(firing: Iterable[dict[str, str]]) -> list[str]:
    about: dict[str, list[str]] = {}
    for labels in firing:
        part = "@".join(filter(None, (labels.get("service"), labels.get("place"))))
        about.setdefault(labels["alertname"], []).append(labels.get("journey") or part)
    # Those about fewest things say most.
    named = sorted(about.items(), key=lambda item: (len(item[1]), item[0]))
    return [f"{alert} {', '.join(sorted(what))}".rstrip() for alert, what in named]
