"""The faults of jobs, on a real maintenance service: their proof sees what they do, and that it is undone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from chaos.fault import Fault, Injection
from chaos.faults.maintenance.backups_unreachable import BackupsUnreachable
from chaos.faults.maintenance.job_off import JobOff
from chaos.faults.maintenance.job_stuck import JobStuck
from chaos.target import at
from foundation.failure import Failure
from services.maintenance.__main__ import application
from services.platform import access
from testbed.backups import Backup, NotGood, backups_of, restore
from testbed.control import Answer
from testbed.inventory import Inventory, Part
from testbed.maintenance import do_now, maintenance_now

EAST = Part("maintenance@east", "maintenance", "east", "maintenance-east", "8000", {})


@dataclass
class OnePartSite:
    """What a fault sees of a site whose only part runs in this process."""

    http: httpx.AsyncClient
    loop: asyncio.AbstractEventLoop
    backups: Path
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
    site = OnePartSite(service.http, asyncio.get_running_loop(), folder / "backups")
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


@pytest.mark.parametrize("fault", [JobOff(), JobStuck()], ids=lambda fault: fault.name)
async def test_a_job_that_is_resumed_is_done_again_and_another_is_hurt_as_before(
    site: Any, fault: Fault
) -> None:
    injection = Injection("one", at(EAST), fault.check({"job": "trim-data"}), 60.0)
    other = Injection("two", at(EAST), fault.check({"job": "reconcile-counters"}), 60.0)
    for one in (injection, other):
        await asyncio.to_thread(fault.apply, site, one)
        await until(lambda one=one: fault.verify(site, one).verdict)
    with pytest.raises(Failure) as refusal:
        await asyncio.to_thread(do_now, site, "trim-data", 0.5)
    assert refusal.value.next_step == "let it be done again: failwhale ops resume trim-data"
    resumed = await asyncio.to_thread(site.ask, "POST", "/-/jobs/trim-data/resume")
    assert resumed.json() == {"resumed": "trim-data"}
    assert await asyncio.to_thread(do_now, site, "trim-data", 20.0) == "maintenance@east"
    await until(lambda: fault.verify_reverted(site, injection).verdict)
    assert (await asyncio.to_thread(fault.verify, site, injection)).verdict is False
    assert (await asyncio.to_thread(fault.verify_reverted, site, other)).verdict is False


async def test_a_backup_that_cannot_be_reached_is_neither_made_nor_put_back(site: Any, store: Any) -> None:
    def there() -> list[str]:
        return [one.name for one in backups_of(site)]

    await store.redis.set("post:1", "x")
    await asyncio.to_thread(do_now, site, "back-up-store", 20)
    (name,) = await asyncio.to_thread(there)
    fault = BackupsUnreachable()
    injection = Injection("one", at(EAST), {}, 60.0)
    assert (await asyncio.to_thread(fault.verify, site, injection)).verdict is False
    await asyncio.to_thread(fault.apply, site, injection)
    assert (await asyncio.to_thread(fault.verify, site, injection)).verdict is True
    assert (await asyncio.to_thread(fault.verify_reverted, site, injection)).verdict is False
    with pytest.raises(Failure, match="the place where backups lie cannot be reached"):
        await asyncio.to_thread(there)
    with pytest.raises(Failure, match="back-up-store failed: the place where"):
        await asyncio.to_thread(do_now, site, "back-up-store", 20)
    await asyncio.to_thread(fault.revert, site, injection)
    await store.redis.unlink("post:1")
    backup = Backup(name, 0.0)
    assert (await asyncio.to_thread(restore, site, backup))["replicated"] is True
    assert await store.redis.get("post:1") == b"x"
    file = site.backups / name
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(NotGood, match="cannot be loaded"):
        await asyncio.to_thread(restore, site, backup)
    answer = await asyncio.to_thread(site.ask, "POST", "/-/backups/another/restore")
    assert (answer.status, answer.problem) == (404, "unknown-backup")


async def test_what_is_no_job_is_neither_resumed_nor_done(site: Any) -> None:
    answer = await asyncio.to_thread(site.ask, "POST", "/-/jobs/no-job/resume")
    assert (answer.status, answer.problem) == (404, "unknown-job")
    with pytest.raises(Failure, match="no job is named 'no-job'"):
        await asyncio.to_thread(do_now, site, "no-job", 0.5)


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


@pytest.mark.parametrize("seconds", [60.0, 1.0], ids=["ended", "by its lease"])
async def test_numbers_of_likes_are_wrong_until_the_fault_ends(site: Any, store: Any, seconds: float) -> None:
    await store.redis.sadd("likes:1", 11, 12)
    await store.redis.hset("post:1", mapping={"likes": 2, "retweets": 0})
    fault = {"kind": "counters-wrong", "seconds": seconds, "by": 7}
    await asyncio.to_thread(site.ask, "PUT", "/-/faults/one", fault)

    async def become(likes: bytes) -> None:
        async with asyncio.timeout(15):
            while await store.redis.hget("post:1", "likes") != likes:  # noqa: ASYNC110 (nobody tells)
                await asyncio.sleep(0.01)

    await become(b"9")
    assert await store.redis.hget("post:1", "retweets") == b"0"
    if seconds > 1:
        await asyncio.to_thread(site.ask, "DELETE", "/-/faults/one")
    await become(b"2")
