"""Prometheus' record from its samples, and its score beside what users felt."""

from __future__ import annotations

import http.server
import json
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest

from failwhale.failure import Failure
from outages.clock import Setting, stamp
from outages.history import Felt
from outages.prometheus import Prometheus, detect, spells
from outages.score import pair, quantile, score

NOW = 1000.0


def test_spells_are_the_times_at_one() -> None:
    samples = [(float(at), float(at in {3, 4, 5, 9, 10})) for at in range(12)]
    assert spells(samples) == [(3.0, 6.0), (9.0, 11.0)]
    assert spells([(1.0, 0.0), (2.0, 1.0)]) == [(2.0, None)]
    assert spells([(1.0, 1.0), (2.0, 1.0), (30.0, 1.0), (31.0, 0.0)]) == [(1.0, 2.0), (30.0, 31.0)]
    assert spells([]) == []


def test_an_alert_detects_the_outage_that_it_overlaps() -> None:
    seen, unseen = Felt("post", "down", 10, 20), Felt("post", "down", 100, 101)
    detect([seen, unseen], {"post": [(13.5, 22.0)]}, NOW)
    assert (seen.detected, seen.detection_delay) == (True, 3.5)
    assert (unseen.detected, unseen.detection_delay) == (False, None)


def test_outages_are_caught_missed_or_invented() -> None:
    felt = [Felt("post", "down", 10, 20), Felt("page", "down", 10, 20), Felt("post", "slow", 10, 20)]
    recorded = [Felt("post", "down", 11, 23), Felt("login", "down", 50, 55), Felt("post", "down", 500, 501)]
    felt[0].detection_delay = 2.5
    result = score(pair(felt, recorded, NOW))
    assert (result["caught"], result["missed"], result["invented"]) == (1, 2, 2)
    assert result["duration_error"] == {"p50": 2.0, "p90": 2.0}
    assert result["detection_delay"] == {"p50": 2.5, "p90": 2.5}
    assert [row["verdict"] for row in result["rows"]] == [
        "caught",
        "missed",
        "missed",
        "invented",
        "invented",
    ]


def test_outages_in_quick_succession_may_be_one_to_the_monitor() -> None:
    felt = [Felt("post", "down", 10, 12), Felt("post", "down", 13, 15)]
    result = score(pair(felt, [Felt("post", "down", 10, 18)], NOW))
    assert (result["caught"], result["missed"], result["invented"]) == (2, 0, 0)


def test_a_recording_beside_two_outages_catches_one() -> None:
    felt = [Felt("post", "down", 10, 12), Felt("post", "down", 15, 16)]
    result = score(pair(felt, [Felt("post", "down", 12.5, 14)], NOW))
    assert (result["caught"], result["missed"], result["invented"]) == (1, 1, 0)
    assert [row["verdict"] for row in result["rows"]] == ["caught", "missed"]


def test_a_second_recording_of_one_outage_is_not_invented() -> None:
    pieces = [Felt("post", "down", 10, 12), Felt("post", "down", 20, 31)]
    result = score(pair([Felt("post", "down", 10, 30)], pieces, NOW))
    assert (result["caught"], result["invented"]) == (1, 0)
    assert result["rows"][0]["recorded"] == 11


def test_quantiles_are_values_that_were_seen() -> None:
    values = [float(number) for number in range(1, 11)]
    assert quantile(values, 0.5) == 5.0
    assert quantile(values, 0.9) == 9.0
    assert quantile([7.0], 0.9) == 7.0
    assert quantile([], 0.5) is None


SERIES: dict[str, list[dict[str, Any]]] = {
    "journey:down": [
        {"metric": {"journey": "post"}, "values": [[101, "0"], [102, "1"], [103, "1"], [104, "0"]]},
        {"metric": {"journey": "page"}, "values": [[101, "0"], [104, "0"]]},
    ],
    "ALERTS": [{"metric": {"journey": "post"}, "values": [[103.5, "1"], [105, "1"]]}],
}


@pytest.fixture
def address() -> Iterator[str]:
    """A server that answers as Prometheus does."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)["query"][0]
            name = query.partition("[")[0].partition("{")[0]
            slow = "Slow" in query or "slow" in query
            body = json.dumps({"data": {"result": [] if slow else SERIES.get(name, [])}}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_prometheus_is_asked_for_its_outages(address: str) -> None:
    (outage,) = Prometheus(address).outages(100, 200)
    assert (outage.journey, outage.kind, outage.start, outage.end) == ("post", "down", 102, 104)
    assert (outage.detected, outage.detection_delay) == (True, 1.5)


def test_samples_from_before_a_step_of_the_clock_are_told_by_the_clock_of_now(address: str) -> None:
    setting = Setting()
    for up, set_by in ((0, 0), (50, 20)):  # at 110 by the old clock
        setting.step({"at": stamp(60.0 + up + set_by), "up": up, "boot": ""})
    (outage,) = Prometheus(address, setting).outages(100, 200)
    assert (outage.start, outage.end) == (122, 124)
    assert (outage.detected, outage.detection_delay) == (True, 1.5)


def test_a_prometheus_that_is_silent_is_a_failure_with_a_next_step() -> None:
    with pytest.raises(Failure, match="does not answer") as failure:
        Prometheus("127.0.0.1:1").outages(100, 200)
    assert "failwhale status" in failure.value.next_step
