"""The faults of jobs, on a real maintenance service: their proof sees what they do, and that it is undone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from chaos.fault import Fault, Injection
from chaos.faults.maintenance.job_off import JobOff
from chaos.faults.maintenance.job_stuck import JobStuck
from chaos.target import at
from foundation.failure import Failure
from services.maintenance.__main__ import application
from services.platform import access
from testbed.control import Answer
from testbed.inventory import Inventory, Part
from testbed.maintenance import maintenance_now

EAST = Part("maintenance@east", "maintenance", "east", "maintenance-east", "8000", {})


@dataclass
class OnePartSite:
    """What a fault sees of a site whose only part runs in this process."""

    http: httpx.AsyncClient
    loop: asyncio.AbstractEventLoop
    inventory: Inventory = Inventory((EAST,), {})  # noqa: RUF009 (it is frozen)

    def control(self, part: Part, timeout: float = 2.0) -> OnePartSite:
        return self

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        headers = {"authorization": "Bearer control-token"}
        asking = self.http.request(method, path, json=body, headers=headers)
        answer = asyncio.run_coroutine_threadsafe(asking, self.loop).result(10)
        return Answer(answer.status_code, answer.content)


@pytest.fixture
async def site(start_service, sentinels, tmp_path) -> AsyncIterator[Any]:
    """With a real day, in which no job is due."""
    folder = tmp_path / "maintenance"
    folder.mkdir()
    (folder / access.FILE).write_text(sentinels.passwords[access.MAINTENANCE])
    stores = ",".join(str(one.address) for one in (sentinels.pair.primary, sentinels.pair.replica))
    service = await start_service("maintenance", application, MAINTENANCE=str(folder), STORES=stores)
    site = OnePartSite(service.http, asyncio.get_running_loop())
    await until(lambda: maintenance_now(site).lead)
    return site


async def until(condition: Callable[[], object]) -> None:
    """The condition asks, which blocks."""
    async with asyncio.timeout(30):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("fault", [JobOff(), JobStuck()], ids=lambda fault: fault.name)
async def test_a_job_is_seen_to_be_hurt_and_to_be_done_again(site: Any, fault: Fault) -> None:
    injection = Injection("one", at(EAST), fault.check({"job": "trim-data"}), 60.0)
    assert (await asyncio.to_thread(fault.verify, site, injection)).verdict is False
    await asyncio.to_thread(fault.apply, site, injection)
    await until(lambda: fault.verify(site, injection).verdict)
    before = (await asyncio.to_thread(maintenance_now, site)).jobs["trim-data"]
    assert before["last_success"] is None
    assert await asyncio.to_thread(fault.leftover, site, EAST) == "had an injection point (one)"
    assert (await asyncio.to_thread(fault.verify_reverted, site, injection)).verdict is False
    await asyncio.to_thread(fault.revert, site, injection)
    await until(lambda: fault.verify_reverted(site, injection).verdict)
    after = (await asyncio.to_thread(maintenance_now, site)).jobs["trim-data"]
    assert after["last_success"] is not None
    assert (await asyncio.to_thread(fault.verify, site, injection)).verdict is False


async def test_a_job_that_is_not_hurt_is_not_said_to_be(site: Any) -> None:
    """The injection point of another job is at the same part."""
    fault = JobOff()
    other = Injection("one", at(EAST), fault.check({"job": "trim-events"}), 60.0)
    await asyncio.to_thread(fault.apply, site, other)
    await until(lambda: fault.verify(site, other).verdict)
    await asyncio.to_thread(site.ask, "POST", "/-/jobs/trim-data/run")
    await until(lambda: maintenance_now(site).jobs["trim-data"]["last_success"])


async def test_what_is_left_without_a_journal_is_swept(site: Any) -> None:
    fault = JobOff()
    injection = Injection("one", at(EAST), fault.check({}), 60.0)
    await asyncio.to_thread(fault.apply, site, injection)
    await asyncio.to_thread(fault.sweep, site, EAST)
    assert await asyncio.to_thread(fault.leftover, site, EAST) == ""


async def test_a_job_that_there_is_not_is_refused_with_those_that_there_are(site: Any) -> None:
    with pytest.raises(Failure, match="no job is named 'no-such'") as failure:
        await asyncio.to_thread(JobOff().refuse_misfit, site, EAST, {"job": "no-such"})
    assert "back-up-store" in failure.value.next_step
