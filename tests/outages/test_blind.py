"""What the monitoring is told while it is kept from seeing; what is recorded goes on."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from fake_site import FakeSite, Problem
from prober_under_test import Running, until

from outages.listener import ProberListener
from outages.prober import Prober
from services.platform.injection.spec import FaultSpec

TOKEN = {"authorization": "Bearer control-token"}


def broken() -> None:
    raise Problem(500)


def told(prober: Prober, journey: str) -> dict[str, float]:
    """Attempts at a journey as the metrics tell, by outcome."""
    series = rf'journey_attempts_total{{journey="{journey}",outcome="(\w+)"}} (\S+)'
    return {outcome: float(number) for outcome, number in re.findall(series, prober.expose().decode())}


async def test_a_blind_prober_tells_of_good_attempts_and_records_the_outage(
    site: FakeSite, running: Running
) -> None:
    prober = running.prober
    prober.faults.put("f", FaultSpec(kind="prober-blind", seconds=60))
    before = told(prober, "page")
    with site.fault("GET /", broken):
        await until(lambda: "page" in running.down(), "an outage of the page")
        await running.everybody_tries_again()
        assert told(prober, "page")["bad"] == before["bad"]
        assert told(prober, "page")["good"] > before["good"]
        assert b'journey_up{journey="page"} 1.0' in prober.expose()
    await running.all_green()
    assert {outage["journey"] for outage in running.closed()} == {"page"}
    prober.faults.remove("f")
    with site.fault("GET /", broken):
        await until(lambda: told(prober, "page")["bad"] > before["bad"], "the metrics tell of it again")


async def test_a_journey_that_nobody_watches_has_no_series_and_is_recorded(
    site: FakeSite, running: Running
) -> None:
    prober = running.prober
    prober.faults.put("f", FaultSpec(kind="journey-unwatched", seconds=60, journey="page"))
    assert told(prober, "page") == {}
    assert told(prober, "post")
    with site.fault("GET /", broken):
        await until(lambda: "page" in running.down(), "an outage of the page")
    prober.faults.remove("f")
    assert told(prober, "page")["bad"] > 0


@pytest.fixture
async def listener(running: Running, tmp_path: Path) -> httpx.AsyncClient:
    prober, token = running.prober, tmp_path / "token"
    token.write_text("control-token\n")
    listener = ProberListener(prober.run, prober.state, prober.expose, {}, prober.faults, token)
    transport = httpx.ASGITransport(listener)  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="https://prober", headers=TOKEN)


async def test_faults_are_set_told_and_ended_with_the_token(
    listener: httpx.AsyncClient, running: Running
) -> None:
    async def put(**wish: Any) -> int:
        return (await listener.put("/-/faults/f", json={"seconds": 30, **wish})).status_code

    assert await put(kind="metrics-down") == 200
    assert [row["id"] for row in (await listener.get("/-/faults")).json()] == ["f"]
    assert (await listener.get("/metrics")).status_code == 503
    assert (await listener.get("/journeys")).status_code == 200
    assert (await listener.delete("/-/faults/f")).json() == {"id": "f", "removed": True}
    assert "journey_up" in (await listener.get("/metrics")).text
    assert await put(kind="latency", delay=1) == 422, "nobody sends the prober requests"
    assert await put(kind="nonsense") == 422
    foreign = await listener.get("/-/faults", headers={"authorization": "Bearer guess"})
    assert foreign.status_code == 401
    assert json.loads((await listener.get("/nowhere")).content)["status"] == 404
