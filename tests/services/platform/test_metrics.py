from __future__ import annotations

from services.platform.metrics import Metrics
from services.platform.settings import Settings


def test_names_and_labels(settings: Settings) -> None:
    metrics = Metrics(settings)
    metrics.server_request("GET", "/api/v1/posts/{id}", 200).observe(0.003)
    metrics.client_request("post@east", "timeout").observe(0.2)
    metrics.events_lag("fan-out").set(3)
    metrics.events_handled("fan-out", "post.created").inc()
    value = metrics.registry.get_sample_value
    assert value("failwhale_build_info", {"service": "post", "place": "east", "release": "dev"}) == 1
    route = {
        "http_request_method": "GET",
        "http_route": "/api/v1/posts/{id}",
        "http_response_status_code": "200",
    }
    assert value("http_server_request_duration_seconds_sum", route) == 0.003
    assert value("http_server_request_duration_seconds_bucket", route | {"le": "0.0025"}) == 0
    assert value("http_server_request_duration_seconds_bucket", route | {"le": "0.005"}) == 1
    called = {"server_address": "post@east", "error_type": "timeout"}
    assert value("http_client_request_duration_seconds_count", called) == 1
    assert value("events_lag", {"group": "fan-out"}) == 3
    assert value("events_handled_total", {"group": "fan-out", "type": "post.created"}) == 1


def test_children_are_kept(settings: Settings) -> None:
    metrics = Metrics(settings)
    first = metrics.server_request("GET", "/a", 200)
    assert metrics.server_request("GET", "/a", 200) is first
    assert metrics.server_request("BREW", "/a", 200) is metrics.server_request("STEEP", "/a", 200)


def test_services_in_one_process_do_not_share(settings: Settings) -> None:
    one, other = Metrics(settings), Metrics(settings)
    one.events_lag("fan-out").set(3)
    assert other.registry.get_sample_value("events_lag", {"group": "fan-out"}) is None


def test_a_busy_service_stays_under_300_series(settings: Settings) -> None:
    """Six routes, each with its usual answer and failures, two with more; a group of three types."""
    metrics = Metrics(settings)
    metrics.active_requests(lambda: 0, lambda: 0)
    for route in range(6):
        for status in (200, 404, 503) if route < 2 else (200, 503):
            metrics.server_request("GET", f"/api/v1/{route}", status)
    for event_type in ("post.created", "post.deleted", "retweet.created"):
        metrics.events_handled("fan-out", event_type)
    series = [line for line in metrics.expose().decode().splitlines() if not line.startswith("#")]
    assert len(series) < 300
