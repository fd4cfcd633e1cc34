"""Pages: what Prometheus reports goes into the record once, and the score says for which outages it came."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from test_blind import TOKEN

from foundation.clock import parse, stamp
from foundation.ledger import Ledger
from foundation.records import fits
from outages.history import read
from outages.listener import ProberListener
from outages.model import Felt, Page
from outages.pages import GONE_AFTER, MOST, NOTIFICATIONS, REPORTS, Pages
from outages.score import score
from services.platform.injection.points import InjectionPoints
from services.platform.injection.spec import FaultSpec

NOW = parse("2026-11-26T12:00:00.000000Z")
START = "2026-11-26T11:59:50.25Z"


def alert(
    name: str = "JourneyDown", severity: str = "page", ends: float = 240, **labels: str
) -> dict[str, Any]:
    return {
        "labels": {"alertname": name, "severity": severity, **labels},
        "annotations": {},
        "startsAt": START,
        "endsAt": stamp(NOW + ends),
        "generatorURL": "",
    }


def report(*alerts: dict[str, Any]) -> bytes:
    return json.dumps(alerts).encode()


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(tmp_path / "ledger.ndjson")
    ledger.append("prober.started")
    return ledger


@pytest.fixture
def pages(ledger: Ledger) -> Pages:
    return Pages(ledger.append, now=lambda: NOW)


def told(ledger: Ledger) -> list[tuple[str, str, str | None]]:
    return [(row["kind"], row["alert"], row["journey"]) for row in ledger.read() if "page" in row["kind"]]


def test_what_goes_on_is_told_once_and_its_end_as_well(pages: Pages, ledger: Ledger) -> None:
    down = alert(journey="post")
    for _ in range(2):
        pages.take_report(
            report(down, alert("JourneySlow", "ticket", journey="post"), alert("PartDown", part="post@east"))
        )
    for _ in range(2):
        pages.take_report(report(alert(journey="post", ends=-1)))
    assert told(ledger) == [
        ("page.opened", "JourneyDown", "post"),
        ("page.opened", "PartDown", None),
        ("page.closed", "JourneyDown", "post"),
    ]
    pages.take_report(report({**down, "startsAt": stamp(NOW)}))
    assert told(ledger)[3:] == [("page.opened", "JourneyDown", "post")]
    assert [(page.alert, page.journey) for page in read(ledger.path).pages] == [
        ("JourneyDown", "post"),
        ("PartDown", ""),
        ("JourneyDown", "post"),
    ]


def test_no_more_are_remembered_than_there_is_room_for(pages: Pages, ledger: Ledger) -> None:
    pages.take_report(report(*(alert(journey=str(number)) for number in range(MOST + 5))))
    assert len(pages._open) == MOST
    assert len(told(ledger)) == MOST + 5


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b'[{"labels": {"severity": "page"}}]', b"7", b'[{"labels": []}]']
)
def test_what_is_no_report_is_refused(pages: Pages, body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        pages.take_report(body)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"alerts": [1]}', b'{"alerts": [{"status": "firing"}]}']
)
def test_what_is_no_notification_is_refused(pages: Pages, body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        pages.take_notification(body)


def notified(*alerts: dict[str, Any], status: str = "firing") -> bytes:
    """What the Alertmanager's webhook tells; who has no end yet ends in the year 1."""
    never = {} if status == "resolved" else {"endsAt": "0001-01-01T00:00:00Z"}
    return json.dumps(
        {"version": "4", "alerts": [{**one, **never, "status": status} for one in alerts]}
    ).encode()


def test_what_the_alertmanager_tells_is_written_as_what_prometheus_reports(
    pages: Pages, ledger: Ledger
) -> None:
    pages.take_notification(notified(alert(journey="post")))
    pages.take_notification(notified(alert(journey="post")))
    pages.take_notification(notified(alert(journey="post", ends=-1), status="resolved"))
    assert told(ledger) == [("page.opened", "JourneyDown", "post"), ("page.closed", "JourneyDown", "post")]
    opened, closed = (row for row in ledger.read() if "page" in row["kind"])
    assert (opened["start"], opened["end"]) == (START, None)
    assert parse(closed["end"]) == NOW - 1


SILENCES = {"s-1": {"createdBy": "anna", "comment": "on it", "endsAt": stamp(NOW + 300)}}


def among(one: dict[str, Any], *silenced_by: str) -> dict[str, Any]:
    """An alert as the Alertmanager lists it."""
    return {**one, "status": {"state": "active", "silencedBy": list(silenced_by)}}


def test_a_page_is_acknowledged_by_whose_silence_it_is_and_closed_when_the_alert_is_gone(
    ledger: Ledger,
) -> None:
    now = [NOW]
    pages = Pages(ledger.append, now=lambda: now[0])
    post, login = alert(journey="post"), alert(journey="login")
    pages.take_report(report(alert("Added")))
    assert not pages.are_notified, "nobody knows more of what Prometheus reported itself"
    pages.take_notification(notified(post, login))
    assert pages.are_notified
    pages.compare([among(post), among(login)], SILENCES)
    for _ in range(2):
        pages.compare([among(post, "s-1"), among(login)], SILENCES)
    (acknowledged,) = (row for row in ledger.read() if row["kind"] == "page.acknowledged")
    assert fits(acknowledged)
    assert (acknowledged["journey"], acknowledged["by"], acknowledged["reason"]) == ("post", "anna", "on it")
    assert parse(acknowledged["until"]) == NOW + 300
    pages.compare([among(login)], SILENCES)
    now[0] += GONE_AFTER - 1
    pages.compare([among(post, "s-1"), among(login)], SILENCES)  # it was only the Alertmanager that was away
    pages.compare([among(login)], SILENCES)
    now[0] += GONE_AFTER
    pages.compare([among(login)], SILENCES)
    closed = [row for row in ledger.read() if row["kind"] == "page.closed"]
    assert [(row["journey"], parse(row["end"])) for row in closed] == [("post", NOW + GONE_AFTER - 1)]
    # One that was killed may have forgotten whom it told. What Prometheus reported it never knew.
    for _ in range(2):
        now[0] += GONE_AFTER
        pages.compare([], SILENCES)
    assert told(ledger)[-1] == ("page.closed", "JourneyDown", "login")
    assert len(pages._open) == 1


@pytest.mark.parametrize(("path", "tell"), [(REPORTS, report), (NOTIFICATIONS, notified)])
async def test_a_receiver_that_is_gone_takes_none(
    pages: Pages, ledger: Ledger, tmp_path: Path, path: str, tell: Callable[..., bytes]
) -> None:
    (tmp_path / "token").write_text("control-token")
    faults, takes = InjectionPoints(), {REPORTS: pages.take_report, NOTIFICATIONS: pages.take_notification}
    listener = ProberListener(None, dict, bytes, takes, faults, tmp_path / "token")  # type: ignore[arg-type]
    transport = httpx.ASGITransport(listener)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="https://prober", headers=TOKEN) as client:
        faults.put("f", FaultSpec(kind="alerts-to-nobody", seconds=60))
        assert (await client.post(path, content=tell(alert()))).status_code == 404
        assert told(ledger) == []
        faults.remove("f")
        assert (await client.post(path, content=b"[1]")).status_code == 400
        assert (await client.post(path, content=tell(alert()))).status_code == 200
        assert len(told(ledger)) == 1
        assert (await client.get(path)).status_code == 404


def test_the_score_says_for_which_outages_a_page_came() -> None:
    felt = [Felt("post", "down", 10, 20), Felt("page", "down", 40, 50), Felt("login", "down", 60, 70)]
    pages = [Page("JourneyDown", "post", 12), Page("PartDown", "", 41), Page("JourneyDown", "page", 53.5)]
    assert score(felt, [], 100, pages=pages)["paged"] == 1
    assert score(felt, [], 100, pages=[*pages, Page("JourneyDown", "login", 72.9)])["paged"] == 2
    assert score(felt, [], 100, pages=[])["paged"] == 0
    assert score(felt, [], 100)["paged"] == 0


def test_the_score_says_how_many_pages_were_acknowledged_and_how_soon() -> None:
    pages = [
        Page("JourneyDown", "post", 12, acknowledged=15.5),
        Page("PartDown", "", 41),
        Page("JourneyDown", "page", 53.5, acknowledged=63.5),
    ]
    result = score([], [], 100, pages=pages)
    assert (result["pages"], result["acknowledged"]) == (3, 2)
    assert result["time_to_acknowledge"] == {"p50": 3.5, "p90": 10.0}
    assert score([], [], 100, pages=pages[1:2])["time_to_acknowledge"]["p50"] is None
    assert score([], [], 100)["acknowledged"] == 0
