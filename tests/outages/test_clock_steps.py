"""The wall clock is set, and the machine sleeps, under a running prober: no false outage, none is lost,
and none is longer than it was."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from fake_site import FakeSite, Problem
from prober_under_test import Running, until

from foundation import clock
from foundation.ledger import Ledger
from outages import prober
from outages.history import History, read

STEPS = (10.0, -10.0, 3600.0, -3600.0)


class Machine:
    """The clocks of a machine, which every part that runs on it reads: the prober, and the site with it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._set_by = self._slept = 0.0
        wall, steady = time.time, clock.steady
        monkeypatch.setattr(time, "time", lambda: wall() + self._set_by + self._slept)
        monkeypatch.setattr(clock, "steady", lambda: steady() + self._slept)

    def set_clock(self, seconds: float) -> None:
        self._set_by += seconds

    def sleep(self, seconds: float) -> None:
        self._slept += seconds


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(prober, "TALLY_EVERY", 0.3)
    return Machine(monkeypatch)


def broken() -> None:
    raise Problem(500)


def kinds(running: Running) -> list[str]:
    return [record["kind"] for record in running.prober.ledger.read()]


def page_down(running: Running, kind: str) -> list[str]:
    """When the page's outages began: a busy machine makes other journeys slow, beside the point."""
    records = running.prober.ledger.read()
    wanted = (kind, "page", "down")
    return [row["start"] for row in records if (row["kind"], row.get("journey"), row.get("type")) == wanted]


def history(running: Running) -> History:
    return read(running.prober.ledger.path)


@pytest.mark.parametrize("step", STEPS)
async def test_no_false_outage_at_rest(machine: Machine, running: Running, step: float) -> None:
    machine.set_clock(step)
    await until(lambda: "clock.moved" in kinds(running), "the step to be recorded")
    await running.everybody_tries_again(4)
    records = list(running.prober.ledger.read())
    assert not [row for row in records if row["kind"] == "attempt.failed"]
    # A machine that is busy with other things makes some slow; none may be as slow as the step was long.
    assert all(float(row["detail"].split()[0]) < 5 for row in records if row["kind"] == "attempt.slow")
    assert all(outage.duration(time.time()) < 5 for outage in history(running).outages)
    (gap,) = [gap for gap in history(running).gaps if "clock" in gap.why]
    assert (gap.end - gap.start, gap.why) == (0.0, f"the wall clock was set by {step:+.1f} s")


@pytest.mark.parametrize("step", STEPS)
async def test_an_outage_over_a_step_is_as_long_as_it_was_and_keeps_its_cause(
    machine: Machine, site: FakeSite, running: Running, step: float
) -> None:
    chaos = Ledger(running.prober.ledger.path)  # another process, which knows nothing of steps
    injection = {"fault": "f-1", "name": "errors", "target": "frontend@east", "hurts": ["page"]}
    chaos.append("fault.requested", **injection)
    with site.fault("GET /", broken):
        broken_at = time.monotonic()
        chaos.append("fault.applied", **injection)
        await until(lambda: "page" in running.down(), "the page to go down")
        machine.set_clock(step)
        await until(lambda: "clock.moved" in kinds(running), "the step to be recorded")
        await running.everybody_tries_again()
        assert "page" in running.down()
        mended_at = time.monotonic()
    chaos.append("fault.reverted", **injection)
    await until(lambda: page_down(running, "outage.closed"), "the outage closed")
    told = history(running)
    outages = [row for row in told.outages if (row.journey, row.kind) == ("page", "down")]
    # A machine that is busy may add a short one, and be late, but not by as much as the clock was set.
    assert abs(sum(outage.duration(time.time()) for outage in outages) - (mended_at - broken_at)) < 5
    first = outages[0]
    assert first.failed > 1
    assert ([fault.id for fault in first.causes], first.after_effect) == (["f-1"], False)
    assert abs(first.start - time.time()) < 90  # by the clock as it is set now
    row = next(row for row in running.closed() if (row["journey"], row["type"]) == ("page", "down"))
    assert row["end"] - row["start"] == pytest.approx(first.duration(0), abs=1e-5)


async def test_an_outage_is_not_said_to_have_gone_on_while_the_machine_slept(
    machine: Machine, site: FakeSite, running: Running
) -> None:
    with site.fault("GET /", broken):
        begun = time.monotonic()
        await until(lambda: "page" in running.down(), "the page to go down")
        machine.sleep(3600)
        await until(lambda: "prober.stalled" in kinds(running), "the sleep to be noticed")
        await until(lambda: len(page_down(running, "outage.opened")) > 1, "the page to be down again")
        await running.everybody_tries_again()
        lasted = time.monotonic() - begun
    await until(lambda: len(page_down(running, "outage.closed")) > 1, "both closed")
    told = history(running)
    outages = [row for row in told.outages if (row.journey, row.kind) == ("page", "down")]
    assert outages[0].unobserved
    assert not outages[-1].unobserved
    assert sum(outage.duration(0) for outage in outages) < lasted + 0.5
    (gap,) = [gap for gap in told.gaps if gap.why == "the machine slept"]
    assert 3600 - 1 < gap.end - gap.start < 3600 + 5
    before, after = outages[:2]
    assert before.end is not None
    assert before.end <= gap.start + 0.001 < gap.end - 0.001 <= after.start


async def test_after_a_sleep_nothing_is_known_until_somebody_has_looked(
    machine: Machine, running: Running, site: FakeSite
) -> None:
    page = running.prober.probes["page"]
    with site.fault("GET /", broken):
        await until(lambda: "page" in running.down(), "the page to go down")
        machine.sleep(60)
        assert page.state() == "unknown"
        await until(lambda: page.state() == "down", "the page to be down again")


async def test_codes_of_a_time_that_is_yet_to_come_are_replaced(machine: Machine, running: Running) -> None:
    """Their accounts have used a later code, so no site lets them in before the clock gets there again."""
    second_factor = running.prober.probes["login-second-factor"]
    await running.everybody_tries_again(6)
    machine.set_clock(-3600.0)
    await until(lambda: "clock.moved" in kinds(running), "the step to be recorded")
    before = second_factor.attempts
    await until(lambda: second_factor.attempts > before + 1, "logins with codes of fresh accounts")
    assert second_factor.failed == 0


async def test_a_prober_that_was_killed_before_the_step_leaves_a_gap_and_no_longer_outage(
    machine: Machine, site: FakeSite, quick: None, make_running: Callable[[], Running]
) -> None:
    running = make_running()
    await running.all_green()
    ledger = running.prober.ledger
    with site.fault("GET /", broken):
        begun = time.monotonic()
        await until(lambda: page_down(running, "outage.opened"), "the page to go down")
        killed = ledger.path.read_bytes()
        lasted = time.monotonic() - begun
        await running.stop()
    ledger.path.write_bytes(killed)  # as if it had been killed then
    machine.set_clock(3600.0)
    again = make_running()
    await again.everybody_tries_again()
    told = history(again)
    (outage,) = [row for row in told.outages if (row.journey, row.kind) == ("page", "down")]
    assert outage.unobserved
    assert outage.duration(0) < lasted + 0.5
    (gap,) = [gap for gap in told.gaps if gap.why == "the prober was down"]
    assert gap.end - gap.start < 60
