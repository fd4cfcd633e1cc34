"""Prometheus' record from its samples, and its score beside what users felt."""

from __future__ import annotations

import http.server
import json
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.clock import Setting, stamp
from foundation.failure import Failure
from outages.model import Felt, InjectedFault
from outages.prometheus import BadQuery, Prometheus, detect, intervals
from outages.score import quantile, score
from outages.wording import number_of

NOW = 1000.0


def test_spells_are_the_times_at_one() -> None:
    samples = [(float(at), float(at in {3, 4, 5, 9, 10})) for at in range(12)]
    assert intervals(samples, 12.0) == [(3.0, 6.0), (9.0, 11.0)]
    assert intervals([(1.0, 0.0), (2.0, 1.0)], 3.0) == [(2.0, None)]
    torn = [(1.0, 1.0), (2.0, 1.0), (30.0, 1.0), (31.0, 0.0)]
    assert intervals(torn, 32.0) == [(1.0, 2.0), (30.0, 31.0)]
    assert intervals([], 10.0) == []


def test_a_series_that_has_gone_silent_does_not_go_on() -> None:
    """`journey:down` has no samples while its journey has no data, and none once the prober has gone."""
    samples = [(1.0, 1.0), (2.0, 1.0)]
    assert intervals(samples, 5.0) == [(1.0, None)]
    assert intervals(samples, 5.1) == [(1.0, 2.0)]


def test_an_alert_detects_the_outage_that_it_overlaps() -> None:
    seen, unseen = Felt("post", "down", 10, 20), Felt("post", "down", 100, 101)
    detect([seen, unseen], {"post": [(13.5, 22.0)]}, NOW)
    assert (seen.detected, seen.detection_delay) == (True, 3.5)
    assert (unseen.detected, unseen.detection_delay) == (False, None)


def test_outages_are_detected_or_missed_and_records_of_none_are_false_positives() -> None:
    felt = [Felt("post", "down", 10, 20), Felt("page", "down", 10, 20), Felt("post", "slow", 10, 20)]
    recorded = [Felt("post", "down", 11, 23), Felt("login", "down", 50, 55), Felt("post", "down", 500, 501)]
    felt[0].detection_delay = 2.5
    result = score(felt, recorded, NOW)
    assert (result["detected"], result["missed"], result["false_positives"]) == (1, 2, 2)
    assert result["duration_error"] == {"p50": 2.0, "p90": 2.0}
    assert result["detection_delay"] == {"p50": 2.5, "p90": 2.5}
    assert [row["verdict"] for row in result["rows"]] == [
        "detected",
        "missed",
        "missed",
        "false positive",
        "false positive",
    ]


def test_outages_in_quick_succession_may_be_one_to_the_monitor() -> None:
    felt = [Felt("post", "down", 10, 12), Felt("post", "down", 13, 15)]
    result = score(felt, [Felt("post", "down", 10, 18)], NOW)
    assert (result["detected"], result["missed"], result["false_positives"]) == (2, 0, 0)


def test_a_recording_beside_two_outages_detects_one() -> None:
    felt = [Felt("post", "down", 10, 12), Felt("post", "down", 15, 16)]
    result = score(felt, [Felt("post", "down", 12.5, 14)], NOW)
    assert (result["detected"], result["missed"], result["false_positives"]) == (1, 1, 0)
    assert [row["verdict"] for row in result["rows"]] == ["detected", "missed"]


def test_a_second_recording_of_one_outage_is_no_false_positive() -> None:
    pieces = [Felt("post", "down", 10, 12), Felt("post", "down", 20, 31)]
    result = score([Felt("post", "down", 10, 30)], pieces, NOW)
    assert (result["detected"], result["false_positives"]) == (1, 0)
    assert result["rows"][0]["recorded"] == 11


OUTAGES = [Felt("post", "down", start, start + 5) for start in (10, 100, 400)]


def test_a_monitor_that_is_always_down_scores_badly() -> None:
    result = score(OUTAGES, [Felt("post", "down", 0, None)], NOW)
    assert (result["detected"], result["missed"], result["false_positives"]) == (0, 3, 1)
    assert result["seconds"] == {"detected": 15.0, "missed": 0.0, "false_positives": 985.0}


def test_a_monitor_that_never_recovers_detects_the_first_outage_only() -> None:
    result = score(OUTAGES, [Felt("post", "down", 11, None)], NOW)
    assert (result["detected"], result["missed"], result["false_positives"]) == (1, 2, 0)
    assert result["seconds"] == {"detected": 14.0, "missed": 1.0, "false_positives": 975.0}


def test_a_monitor_that_says_nothing_misses_all() -> None:
    result = score(OUTAGES, [], NOW)
    assert (result["detected"], result["missed"], result["false_positives"]) == (0, 3, 0)
    assert result["seconds"] == {"detected": 0.0, "missed": 15.0, "false_positives": 0.0}


def test_seconds_are_scored_for_each_journey_and_kind_by_itself() -> None:
    felt = [Felt("post", "down", 10, 20), Felt("post", "slow", 10, 12), Felt("page", "down", 990, None)]
    recorded = [Felt("post", "down", 12, 23), Felt("page", "slow", 10, 12), Felt("page", "down", 995, None)]
    assert score(felt, recorded, NOW)["seconds"] == {
        "detected": 8.0 + 5.0,
        "missed": 2.0 + 2.0 + 5.0,
        "false_positives": 3.0 + 2.0,
    }


def test_seconds_that_two_records_share_count_once() -> None:
    felt = [Felt("post", "down", 10, 20), Felt("post", "down", 18, 24)]
    recorded = [Felt("post", "down", 12, 14), Felt("post", "down", 13, 22), Felt("post", "down", 14, 15)]
    assert score(felt, recorded, NOW)["seconds"] == {"detected": 10.0, "missed": 4.0, "false_positives": 0.0}


def test_time_without_data_is_not_scored() -> None:
    felt, recorded = [Felt("post", "down", 10, 20)], [Felt("post", "down", 12, 30)]
    no_data = [(25.0, 28.0), (15.0, 17.0), (9.0, 11.0), (16.0, 16.5), (13.0, 13.0)]
    assert score(felt, recorded, NOW, no_data)["seconds"] == {
        "detected": 6.0,
        "missed": 1.0,
        "false_positives": 7.0,
    }


@given(
    st.lists(st.tuples(st.integers(0, 99), st.integers(1, 20))),
    st.lists(st.tuples(st.integers(0, 99), st.integers(1, 20))),
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 20))),
)
def test_every_second_is_scored_once(
    felt: list[tuple[int, int]], recorded: list[tuple[int, int]], no_data: list[tuple[int, int]]
) -> None:
    def covered(spells: list[tuple[int, int]]) -> set[int]:
        return {second for start, lasted in spells for second in range(start, start + lasted)}

    def outages(spells: list[tuple[int, int]]) -> list[Felt]:
        return [Felt("post", "down", start, start + lasted) for start, lasted in spells]

    gaps = [(float(start), float(start + lasted)) for start, lasted in no_data]
    result = score(outages(felt), outages(recorded), NOW, gaps)
    was, said = covered(felt) - covered(no_data), covered(recorded) - covered(no_data)
    assert result["seconds"] == {
        "detected": len(was & said),
        "missed": len(was - said),
        "false_positives": len(said - was),
    }
    assert result["detected"] + result["missed"] == len(felt)


@pytest.mark.parametrize(
    ("began", "verdicts"),
    [
        (6.9, ["missed", "false positive"]),
        (7.0, ["detected"]),
        (20.0, ["detected"]),
        (23.0, ["detected"]),
        (23.1, ["missed", "false positive"]),
    ],
)
def test_a_record_detects_the_outage_in_which_it_began(began: float, verdicts: list[str]) -> None:
    result = score([Felt("post", "down", 10, 20)], [Felt("post", "down", began, 40)], NOW)
    assert [row["verdict"] for row in result["rows"]] == verdicts


@pytest.mark.parametrize(("second", "detected"), [(25.0, 2), (25.1, 1)])
def test_succession_is_quick_when_a_monitor_cannot_tell_the_outages_apart(
    second: float, detected: int
) -> None:
    felt = [Felt("post", "down", second, 30), Felt("post", "down", 10, 20)]
    result = score(felt, [Felt("post", "down", 12, 31)], NOW)
    assert (result["detected"], result["missed"], result["false_positives"]) == (detected, 2 - detected, 0)


def test_succession_is_of_one_journey_and_kind_and_knows_no_end_of_what_goes_on() -> None:
    felt = [
        Felt("post", "down", 10, 20),
        Felt("page", "down", 19, 28),
        Felt("post", "slow", 19, 28),
        Felt("post", "down", 30, None),
    ]
    result = score(felt, [Felt("post", "down", 12, None)], NOW)
    assert [row["verdict"] for row in result["rows"]] == ["detected", "missed", "missed", "missed"]


def test_a_short_outage_within_a_long_one_does_not_end_the_succession() -> None:
    felt = [Felt("post", "down", 10, 40), Felt("post", "down", 12, 14), Felt("post", "down", 42, 50)]
    result = score(felt, [Felt("post", "down", 11, 51)], NOW)
    assert (result["detected"], result["missed"]) == (3, 0)


def test_the_row_has_both_records() -> None:
    felt = [Felt("post", "down", 10, 20)]
    felt[0].detected, felt[0].detection_delay = True, 2.5
    (row, wrong) = score(felt, [Felt("post", "down", 11.5, 23), Felt("page", "slow", 5, 6)], NOW)["rows"]
    assert row == {
        "journey": "post",
        "kind": "down",
        "start": stamp(10),
        "verdict": "detected",
        "felt": 10.0,
        "recorded_start": stamp(11.5),
        "recorded": 11.5,
        "detection_delay": 2.5,
        "alerted_late": False,
        "duration_error": 1.5,
    }
    assert wrong == {
        "journey": "page",
        "kind": "slow",
        "start": stamp(5),
        "verdict": "false positive",
        "felt": None,
        "recorded_start": stamp(5),
        "recorded": 1.0,
        "detection_delay": None,
        "alerted_late": False,
        "duration_error": None,
    }
    (missed,) = score(felt, [], NOW)["rows"]
    assert (missed["recorded_start"], missed["recorded"], missed["duration_error"]) == (None, None, None)


def test_figures_have_three_decimals_and_delays_their_quantiles() -> None:
    felt = [Felt("post", "down", 100.0 * number, 100.0 * number + 10 + 1 / 3) for number in range(1, 11)]
    for number, outage in enumerate(felt):
        outage.detected, outage.detection_delay = True, 1.0 + number
    recorded = [
        Felt("post", "down", row.start + 1 / 7, row.start + 20 + number) for number, row in enumerate(felt)
    ]
    result = score(felt, recorded, NOW + 200)
    assert result["seconds"] == {"detected": 101.905, "missed": 1.429, "false_positives": 141.667}
    row = result["rows"][0]
    assert (row["felt"], row["recorded"], row["duration_error"]) == (10.333, 19.857, 9.524)
    assert result["detection_delay"] == {"p50": 5.0, "p90": 9.0}
    assert result["duration_error"] == {"p50": 13.524, "p90": 17.524}
    assert quantile([1 / 3], 0.5) == 0.333
    assert quantile([1.0, 2.0, 3.0], 1.0) == 3.0
    assert quantile([1.0, 2.0, 3.0], 0.34) == 2.0


def test_touching_is_no_overlap_and_a_moment_is_one() -> None:
    beside = [Felt("post", "down", 10, 12), Felt("post", "down", 14, 16)]
    assert score(beside, [Felt("post", "down", 12, 14)], NOW)["detected"] == 1
    briefly = [Felt("post", "down", 10, 12), Felt("post", "down", 13.5, 16)]
    assert score(briefly, [Felt("post", "down", 11.5, 14)], NOW)["detected"] == 2


def test_only_an_alert_that_began_within_the_outage_counts() -> None:
    first, second, third = (
        Felt("post", "down", 10, 20),
        Felt("post", "down", 21, 22),
        Felt("post", "down", 30, 31),
    )
    detect([first, second, third], {"post": [(9.0, 9.5), (12.0, 23.0), (32.5, 40.0)]}, NOW)
    assert (first.detected, first.detection_delay, first.is_late) == (True, 2.0, False)
    assert (second.detected, second.detection_delay, second.is_late) == (False, None, False)
    assert (third.detected, third.detection_delay, third.is_late) == (False, 2.5, True)
    assert third.row(NOW)["detection_delay"] is None
    assert first.row(NOW)["detection_delay"] == 2.0
    result = score([first, second, third], [], NOW)
    assert (result["alerted"], result["late"]) == (1, 1)
    assert [row["alerted_late"] for row in result["rows"]] == [False, False, True]
    assert result["detection_delay"] == {"p50": 2.0, "p90": 2.0}


@pytest.mark.parametrize(
    ("began", "detected", "delay"),
    [
        (9.9, False, None),
        (10.0, True, 0.0),
        (20.0, True, 10.0),
        (20.1, False, 10.1),
        (23.0, False, 13.0),
        (23.1, False, None),
    ],
)
def test_an_alert_is_in_time_late_or_about_something_else(
    began: float, detected: bool, delay: float | None
) -> None:
    outage = Felt("post", "down", 10, 20)
    detect([outage], {"post": [(began, None)], "page": [(12.0, 13.0)]}, NOW)
    assert (outage.detected, outage.detection_delay) == (detected, delay)


def test_an_alert_about_what_goes_on_is_in_time() -> None:
    outage = Felt("post", "down", 10)
    detect([outage], {"post": [(500.0, None), (12.0, 20.0), (11.0, 11.5)]}, NOW)
    assert (outage.detected, outage.detection_delay, outage.is_late) == (True, 1.0, False)


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
            if name == "sum":
                self.send_response(400)
                self.end_headers()
                self.wfile.write(b'{"status": "error", "error": "unclosed left parenthesis"}')
                return
            if name == "scalar(vector(1))":
                data: dict[str, object] = {"resultType": "scalar", "result": [NOW, "1"]}
            else:
                data = {"resultType": "matrix", "result": [] if slow else SERIES.get(name, [])}
            body = json.dumps({"data": data}).encode()
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


def test_outages_are_counted_as_in_the_headline() -> None:
    cause = InjectedFault("cut", "partition", "place:east", {}, 0.0)
    felt = [
        Felt("post", kind, start, start + 2, causes=[cause])
        for start in (10, 20)
        for kind in ("down", "slow")
    ]
    felt += [Felt("page", "down", start, start + 2) for start in (60, 80)]
    result = score(felt, [Felt("post", "down", 20, 22)], NOW)
    assert (result["detected"], result["missed"]) == (1, 3)
    assert len(result["rows"]) == 6
    assert number_of(felt) == "4 outages and degradations"
    assert [number_of(felt[:1]), number_of(felt[1:2]), number_of([])] == [
        "1 outage",
        "1 degradation",
        "0 outages",
    ]


def test_a_query_that_prometheus_refuses_is_told_with_its_words(address: str) -> None:
    with pytest.raises(BadQuery, match=r"sum\{: unclosed left parenthesis"):
        Prometheus(address).now("sum{")


def test_a_query_that_is_a_number_without_labels_is_refused_by_its_name(address: str) -> None:
    with pytest.raises(BadQuery, match=r"scalar\(vector\(1\)\): is a scalar"):
        Prometheus(address).now("scalar(vector(1))")
