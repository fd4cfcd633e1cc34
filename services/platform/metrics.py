"""What a service counts and measures, named by OpenTelemetry's conventions in Prometheus form, in seconds.

Children are kept: a hot path asks once for `server_request(...)` and calls `observe` on what it got; asking
again costs one dictionary look-up, not a walk through `.labels()`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

if TYPE_CHECKING:
    from services.platform.settings import Settings

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds in seconds. Few, since every route and status has all of them, and a scrape blocks the
loop."""

NO_ROUTE = "(none)"
"""The route label of requests that no route matched: paths are the client's choice and never become
labels."""

_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})

# A second series per child that says when it began; it doubles what a scrape costs and nothing reads it.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The metrics of one service, in a registry of its own, so that a process can hold several services."""

    def __init__(self, settings: Settings) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        build = Gauge(
            "failwhale_build_info",
            "Which part this is, and its release.",
            ["service", "place", "release"],
            registry=self.registry,
        )
        build.labels(settings.service, settings.place or "", settings.release).set(1)

        server = Histogram(
            "http_server_request_duration_seconds",
            "From the first byte of a request to the last of its answer (to the first byte of a stream).",
            ["http_request_method", "http_route", "http_response_status_code"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        client = Histogram(
            "http_client_request_duration_seconds",
            "Calls to other services; error_type is empty for an answer.",
            ["server_address", "error_type"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        lag = Gauge(
            "events_lag", "Events that a group has not handled yet.", ["group"], registry=self.registry
        )
        handled = Counter(
            "events_handled_total", "Events handled.", ["group", "type"], registry=self.registry
        )
        dead = Counter(
            "events_dead_total", "Events given up after several tries.", ["group"], registry=self.registry
        )
        lost = Counter(
            "events_lost_total",
            "Events that a group had taken and that were trimmed before it handled them.",
            ["group"],
            registry=self.registry,
        )
        retried = Counter(
            "retries_total",
            "Second and further attempts of calls, by outcome: sent, or refused by the budget.",
            ["service", "outcome"],
            registry=self.registry,
        )
        ejections = Counter(
            "ejections_total",
            "Times that a replica was ejected.",
            ["server_address"],
            registry=self.registry,
        )
        ejected = Gauge(
            "replica_ejected", "Whether a replica is ejected.", ["server_address"], registry=self.registry
        )
        shed = Counter(
            "http_server_refused_total",
            "Requests refused unseen: shed (too much in flight) or late (their deadline had passed).",
            ["reason"],
            registry=self.registry,
        )
        protection = Gauge(
            "protection_enabled", "Whether a protection is on.", ["protection"], registry=self.registry
        )
        hits = Counter(
            "injection_point_hits_total",
            "Requests hurt by an injection point.",
            ["kind"],
            registry=self.registry,
        )

        closed = Counter(
            "http_server_connections_closed_total",
            "Connections of the public that were closed: unfinished (too many half-sent requests, the oldest "
            "goes), late (a request took too long to arrive), idle (too many, the oldest goes), unread (the "
            "answer is not read), refused (again and again), handshake (too many, the oldest goes).",
            ["reason"],
            registry=self.registry,
        )
        reads_paused = Counter(
            "http_server_reads_paused_total",
            "Refusals after which nothing was read from the connection for a while.",
            registry=self.registry,
        )

        configuration = Gauge(
            "configuration_version",
            "The version of the configuration that is in force.",
            registry=self.registry,
        )

        @cache
        def server_request(method: str, route: str, status: int) -> Histogram:
            return server.labels(method if method in _KNOWN_METHODS else "_OTHER", route, str(status))

        @cache
        def client_request(server_address: str, error_type: str) -> Histogram:
            return client.labels(server_address, error_type)

        @cache
        def events_lag(group: str) -> Gauge:
            return lag.labels(group)

        @cache
        def events_handled(group: str, event_type: str) -> Counter:
            return handled.labels(group, event_type)

        self.server_request: Callable[[str, str, int], Histogram] = server_request
        """server_request(method, route template, status).observe(seconds)"""
        self.client_request: Callable[[str, str], Histogram] = client_request
        """client_request("post@east", error type or "").observe(seconds)"""
        self.events_lag: Callable[[str], Gauge] = events_lag
        """events_lag(group).set(events)"""
        self.events_handled: Callable[[str, str], Counter] = events_handled
        """events_handled(group, event type).inc()"""
        self.events_dead: Callable[[str], Counter] = cache(dead.labels)
        """events_dead(group).inc()"""
        self.events_lost: Callable[[str], Counter] = cache(lost.labels)
        """events_lost(group).inc(events)"""
        self.retries: Callable[[str, str], Counter] = cache(retried.labels)
        """retries(service, "sent" or "refused").inc()"""
        self.ejections: Callable[[str], Counter] = cache(ejections.labels)
        """ejections("post@east").inc()"""
        self.replica_ejected: Callable[[str], Gauge] = cache(ejected.labels)
        """replica_ejected("post@east").set(0 or 1)"""
        self.refused_shed = shed.labels("shed")
        self.refused_late = shed.labels("late")
        self.connections_closed: Callable[[str], Counter] = cache(closed.labels)
        """connections_closed("idle").inc()"""
        self.reads_paused = reads_paused
        self.protection_enabled: Callable[[str, bool], None] = lambda name, on: protection.labels(name).set(
            on
        )
        self.configuration_version: Callable[[int], None] = configuration.set
        self.injection_point_hit: Callable[[str], None] = lambda kind: hits.labels(kind).inc()

    def active_requests(self, requests: Callable[[], int], streams: Callable[[], int]) -> None:
        """Say where the numbers of requests and of streams in flight are read at each scrape."""
        Gauge(
            "http_server_active_requests", "Requests in flight, without streams.", registry=self.registry
        ).set_function(requests)
        Gauge(
            "http_server_active_streams", "Event streams that are open.", registry=self.registry
        ).set_function(streams)

    def connections(self, states: Mapping[str, Callable[[], int]]) -> None:
        """Say where the numbers of the public's connections are read at each scrape, by their state."""
        gauge = Gauge(
            "http_server_connections",
            "Connections of the public, by what they are doing.",
            ["state"],
            registry=self.registry,
        )
        for state, number in states.items():
            gauge.labels(state).set_function(number)

    def expose(self) -> bytes:
        """All metrics in the Prometheus text format."""
        return generate_latest(self.registry)
