"""Pages: what Prometheus reports goes into the record once, and the score says for which outages it came."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from test_blind import TOKEN

from foundation.clock import parse, stamp
from foundation.ledger import Ledger
from outages.history import read
from outages.listener import ProberListener
from outages.model import Felt, Page
from outages.pages import MOST, Pages
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
        pages.take(
            report(down, alert("JourneySlow", "ticket", journey="post"), alert("PartDown", part="post@east"))
        )
    for _ in range(2):
        pages.take(report(alert(journey="post", ends=-1)))
    assert told(ledger) == [
        ("page.opened", "JourneyDown", "post"),
        ("page.opened", "PartDown", None),
        ("page.closed", "JourneyDown", "post"),
    ]
    pages.take(report({**down, "startsAt": stamp(NOW)}))
    assert told(ledger)[3:] == [("page.opened", "JourneyDown", "post")]
    assert [(page.alert, page.journey) for page in read(ledger.path).pages] == [
        ("JourneyDown", "post"),
        ("PartDown", ""),
        ("JourneyDown", "post"),
    ]


def test_no_more_are_remembered_than_there_is_room_for(pages: Pages, ledger: Ledger) -> None:
    pages.take(report(*(alert(journey=str(number)) for number in range(MOST + 5))))
    assert len(pages._open) == MOST
    assert len(told(ledger)) == MOST + 5


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b'[{"labels": {"severity": "page"}}]', b"7", b'[{"labels": []}]']
)
def test_what_is_no_report_is_refused(pages: Pages, body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        pages.take(body)


async def test_a_receiver_that_is_gone_takes_none(pages: Pages, ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("control-token")
    faults = InjectionPoints()
    listener = ProberListener(None, dict, bytes, pages.take, faults, tmp_path / "token")  # type: ignore[arg-type]
    transport = httpx.ASGITransport(listener)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="https://prober", headers=TOKEN) as client:
        faults.put("f", FaultSpec(kind="alerts-to-nobody", seconds=60))
        assert (await client.post("/api/v2/alerts", content=report(alert()))).status_code == 404
        assert told(ledger) == []
        faults.remove("f")
        assert (await client.post("/api/v2/alerts", content=b"[1]")).status_code == 400
        assert (await client.post("/api/v2/alerts", content=report(alert()))).status_code == 200
        assert len(told(ledger)) == 1
        assert (await client.get("/api/v2/alerts")).status_code == 404


def test_the_score_says_for_which_outages_a_page_came() -> None:
    felt = [Felt("post", "down", 10, 20), Felt("page", "down", 40, 50), Felt("login", "down", 60, 70)]
    pages = [Page("JourneyDown", "post", 12), Page("PartDown", "", 41), Page("JourneyDown", "page", 53.5)]
    assert score(felt, [], 100, pages=pages)["paged"] == 1
    assert score(felt, [], 100, pages=[*pages, Page("JourneyDown", "login", 72.9)])["paged"] == 2
    assert score(felt, [], 100, pages=[])["paged"] == 0
    assert score(felt, [], 100)["paged"] is None
