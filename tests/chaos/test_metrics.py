"""What Prometheus can see of faults and stores: series that appear and disappear with what they tell of."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

import chaos.metrics
from chaos.faults.instance import kill  # noqa: F401 - registers the fault
from chaos.injector import Injector, Request
from chaos.metrics import CertificatesPresented, FaultsInForce, StoreRoles
from testbed.certificates import Flaw

_SERIES = re.compile(r"^(\w+\{.*\}) (\S+)$", re.MULTILINE)

Scrape = Callable[[], dict[str, float]]


def scraping(collector: Collector) -> Scrape:
    """The series of a collector as a scrape finds them, with their values."""
    registry = CollectorRegistry()
    registry.register(collector)

    def scrape() -> dict[str, float]:
        exposed = generate_latest(registry).decode()
        return {series: float(value) for series, value in _SERIES.findall(exposed)}

    return scrape


@pytest.fixture
def injector(laboratory: Any) -> Injector:
    made: Injector = laboratory.controller()
    return made


def test_a_fault_is_a_series_while_it_is_in_force(injector: Injector, settle: Any, wait_until: Any) -> None:
    faults = scraping(FaultsInForce(injector.entries))
    assert faults() == {}
    before = time.time()
    order = injector.order(Request("kill", "post:all", 60)).order
    wait_until(lambda: len(faults()) == 2, "a series for each part")
    (east, since), (west, _) = sorted(faults().items())
    assert east == 'chaos_fault_start_time_seconds{fault="kill",target="post@east"}'
    assert west == 'chaos_fault_start_time_seconds{fault="kill",target="post@west"}'
    assert before <= since <= time.time()
    injector.end(order.id, by="operator")
    settle(injector)
    assert faults() == {}


def test_a_fault_whose_end_is_unknown_stays(
    injector: Injector, laboratory: Any, settle: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chaos.execution.REVERT_LIMIT", 0.05)
    monkeypatch.setattr(laboratory.site, "ready", lambda part: False)
    injector.order(Request("kill", "post@east", 0.05))
    settle(injector)
    assert list(scraping(FaultsInForce(injector.entries))()) == [
        'chaos_fault_start_time_seconds{fault="kill",target="post@east"}'
    ]


async def test_the_primary_is_told_from_the_replica_and_from_one_that_is_silent(
    injector: Injector, laboratory: Any, wait_until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chaos.metrics, "ASK_STORES_EVERY", 0.005)
    roles = StoreRoles(injector.store_roles)
    scrape = scraping(roles)
    assert scrape() == {}

    async def see(**stores: int) -> None:
        expected = {f'store_primary{{store="store@{place}"}}': value for place, value in stores.items()}
        await asyncio.to_thread(wait_until, lambda: scrape() == expected, str(expected))

    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(roles.keep_asking())
        await see(east=1, west=0)
        laboratory.site.ask_failover()
        await see(east=0, west=1)
        laboratory.site.runtime.pause("store@west")
        await see(east=0)
        asking.cancel()


async def test_without_a_site_it_goes_on_asking(wait_until: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chaos.metrics, "ASK_STORES_EVERY", 0.005)
    answers = iter([OSError("no site.json yet"), {"store@east": "primary"}])

    def ask() -> dict[str, str]:
        answer = next(answers, {"store@east": "primary"})
        if isinstance(answer, OSError):
            raise answer
        return answer

    roles = StoreRoles(ask)
    scrape = scraping(roles)
    asking = asyncio.create_task(roles.keep_asking())
    await asyncio.to_thread(wait_until, scrape, "a series after the refusal")
    asking.cancel()


async def test_what_endpoints_present_is_told_with_the_days_that_are_left(
    injector: Injector, laboratory: Any, wait_until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chaos.metrics, "ASK_ENDPOINTS_EVERY", 0.005)
    certificates = CertificatesPresented(injector.certificates)
    scrape = scraping(certificates)
    where = '{endpoint="internal",presented_by="post@west"}'
    asking = asyncio.create_task(certificates.keep_asking())
    await asyncio.to_thread(wait_until, lambda: scrape().get(f"certificate_good{where}") == 1, "good")
    assert scrape()[f"certificate_days_left{where}"] == 60
    laboratory.site.give_certificate(laboratory.site.inventory.part("post@west"), Flaw.EXPIRED)
    await asyncio.to_thread(wait_until, lambda: scrape()[f"certificate_good{where}"] == 0, "refused")
    asking.cancel()
