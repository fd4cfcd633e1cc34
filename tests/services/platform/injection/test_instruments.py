"""What faults do to that by which a part is watched: its metrics, its health, its log."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from services.platform.injection.log_flood import LINE_BYTES
from services.platform.injection.points import InjectionPoints
from services.platform.injection.spec import FaultSpec
from services.platform.site import Site

Start = Callable[..., Awaitable[tuple[FastAPI, httpx.AsyncClient]]]


def points_of(app: FastAPI) -> InjectionPoints:
    site: Site = app.state.site
    return site.faults


def fault(kind: str, **more: Any) -> FaultSpec:
    return FaultSpec.model_validate({"kind": kind, "seconds": 30, **more})


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for is no event
            await asyncio.sleep(0.005)


async def test_metrics_are_refused_and_nothing_else_is(start: Start) -> None:
    app, client = await start()
    points_of(app).put("f", fault("metrics-down"))
    assert (await client.get("/metrics")).status_code == 503
    assert (await client.get("/-/ready")).status_code == 200
    assert points_of(app).inbound is None, "no request of a user is asked about it"
    points_of(app).remove("f")
    assert "failwhale_build_info" in (await client.get("/metrics")).text


async def test_metrics_are_late_until_the_fault_ends(start: Start) -> None:
    app, client = await start()
    points_of(app).put("f", fault("scrape-slow", delay=0.1))
    began = time.monotonic()
    assert (await client.get("/metrics")).status_code == 200
    assert time.monotonic() - began >= 0.09
    points_of(app).put("f", fault("scrape-slow", delay=30))
    scrape = asyncio.ensure_future(client.get("/metrics"))
    await until(lambda: points_of(app).active()[0].hits == 2)
    assert not scrape.done()
    points_of(app).remove("f")
    async with asyncio.timeout(10):
        assert (await scrape).status_code == 200


async def test_health_checks_lie_while_users_get_errors(start: Start) -> None:
    app, client = await start()

    async def fails() -> bool:
        return False

    app.state.site.ready_checks["store"] = fails
    assert (await client.get("/-/ready")).status_code == 503
    points_of(app).put("f", fault("health-check-lies", status=503))
    assert (await client.get("/-/ready")).status_code == 200
    assert (await client.get("/-/health")).status_code == 200
    assert (await client.get("/api/v1/anything")).status_code == 503
    points_of(app).remove("f")
    assert (await client.get("/-/ready")).status_code == 503
    assert (await client.get("/api/v1/anything")).status_code == 404


async def test_a_log_is_flooded_up_to_the_most_at_the_rate(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    app, _ = await start()
    caplog.set_level(logging.INFO, logger="services")
    began = time.monotonic()
    points_of(app).put("f", fault("log-flood", kilobytes=5000, most=1))

    def written() -> int:
        return LINE_BYTES * sum(record.message.startswith("f: ") for record in caplog.records)

    await until(lambda: written() >= 1_000_000)
    assert time.monotonic() - began > 0.15, "a megabyte at five a second takes 0.2 s"
    assert written() == 1_000_000
    assert caplog.records[-1].message.startswith("f: 1.0 MB ")


async def test_a_flood_ends_with_its_fault(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    app, _ = await start()
    caplog.set_level(logging.INFO, logger="services")
    points_of(app).put("f", fault("log-flood", kilobytes=100, most=200))
    await until(lambda: bool(caplog.records))
    points_of(app).remove("f")
    await until(lambda: all(task.get_name() != "fault f" for task in asyncio.all_tasks()))


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("scrape-slow", {}),
        ("journey-unwatched", {}),
        ("metrics-down", {"journey": "post"}),
        ("log-flood", {"kilobytes": 5001}),
        ("log-flood", {"most": 201}),
    ],
)
def test_what_is_no_such_fault_is_refused(kind: str, more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        fault(kind, **more)
