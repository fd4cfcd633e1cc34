"""What faults do to whom a part takes people for, until they end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.platform import wall_clock
from services.platform.identity import User
from services.platform.injection.spec import FaultSpec
from services.platform.problems import Problem
from services.platform.site import Site

ANN = User(7, "ann")


@pytest.fixture
async def site(start: Any, tmp_path: Path) -> Site:
    (tmp_path / "session-keys.json").write_text('{"current": "one", "keys": {"one": "%s"}}' % ("s" * 40))
    app, _ = await start()
    found: Site = app.state.site
    return found


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 (conditions of many kinds)
            await asyncio.sleep(0.001)


def knows(site: Site, token: str) -> bool:
    try:
        session = site.session_keys.verify(token)
    except Problem:
        return False
    return not site.revocations.is_revoked(session)


@pytest.mark.parametrize("ahead", [300.0, -300.0])
async def test_the_clock_is_set_and_set_right_again(site: Site, ahead: float) -> None:
    def differs() -> float:
        return wall_clock.now() - time.time()

    site.faults.put("one", FaultSpec(kind="clock-skew", seconds=60, ahead=ahead))
    await until(lambda: differs() == pytest.approx(ahead, abs=1))
    assert wall_clock.milliseconds() / 1000 - time.time() == pytest.approx(ahead, abs=1)
    site.faults.put("two", FaultSpec(kind="clock-skew", seconds=60, ahead=1000))
    await until(lambda: differs() == pytest.approx(ahead + 1000, abs=1))
    for name in ("one", "two"):
        site.faults.remove(name)
    await until(lambda: differs() == pytest.approx(0, abs=1))


async def test_a_session_from_a_clock_that_is_ahead_is_good_later(site: Site) -> None:
    site.faults.put("one", FaultSpec(kind="clock-skew", seconds=60, ahead=300))
    await until(lambda: wall_clock.now() > time.time() + 200)
    token = site.session_keys.issue(ANN, 600)
    assert knows(site, token)
    site.faults.remove("one")
    await until(lambda: not knows(site, token))


async def test_with_another_key_nobody_is_known(site: Site) -> None:
    token = site.session_keys.issue(ANN, 600)
    site.faults.put("one", FaultSpec(kind="token-key-mismatch", seconds=60))
    await until(lambda: not knows(site, token))
    site.faults.remove("one")
    await until(lambda: knows(site, token))


async def test_who_logs_in_again_is_known_after_all_sessions_were_lost(site: Site) -> None:
    before = site.session_keys.issue(ANN, 600)
    site.faults.put("one", FaultSpec(kind="sessions-lost", seconds=60))
    await until(lambda: not knows(site, before))
    assert knows(site, site.session_keys.issue(ANN, 600))
    site.faults.remove("one")
    await until(lambda: knows(site, before))


async def test_sessions_may_be_lost_again_and_again(site: Site) -> None:
    site.faults.put("one", FaultSpec(kind="sessions-lost", seconds=60, again=0.01))
    for _ in range(3):
        token = site.session_keys.issue(ANN, 600)
        await until(lambda token=token: not knows(site, token))  # type: ignore[misc]
