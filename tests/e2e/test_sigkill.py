"""SIGKILL, during each fault, of whoever looks after it: nothing outlives its limit, and heal needs nobody
alive."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator

import pytest
from site_under_test import Site, wait_until

from chaos.fault import all_faults, fault_named

SECONDS = {"processes": 8.0, "docker": 15.0}
"""Long enough for all faults to be proved: on Docker the commands run beside the controller."""
GRACE = {"processes": 5.0, "docker": 10.0}
"""Seconds after the limit within which the site must be healthy. A container takes longer to come back."""

# One of each kind that lasts, each on a part of its own, so that all of them suffer the same SIGKILL.
FAULTS = {
    "kill": "post@east",
    "pause": "auth@east",
    "latency": "timeline@east",
    "errors": "notify@east",
    "blackhole": "retweet@east",
    "partition": "timeline@west",
    "starve": "post@west",
}


def test_each_lasting_fault_is_here() -> None:
    assert {fault.name for fault in all_faults() if fault.listed and fault.lasting} == FAULTS.keys()


def targets(site: Site) -> dict[str, str]:
    """Where each fault is put that this runtime can do."""
    return {name: part for name, part in FAULTS.items() if site.runtime in fault_named(name).runtimes}


class Broken:
    """A site with every fault in force, and the commands that began them."""

    def __init__(self, site: Site, seconds: float) -> None:
        self.site = site
        self.limit = time.monotonic() + seconds
        self.commands = [
            site.start("chaos", fault, target, f"--for={seconds:g}s")
            for fault, target in targets(site).items()
        ]

    def wait_proved(self) -> None:
        def proved() -> bool:
            return {row["fault"] for row in self.site.active() if row["proved"]} == targets(self.site).keys()

        wait_until(proved, self.limit - time.monotonic(), "every fault proved")

    def kill_commands(self) -> None:
        for command in self.commands:
            command.kill()
            command.wait()

    def codes(self) -> list[int]:
        """How the commands ended that were left alive; they must end by themselves."""
        return [command.wait(timeout=self.limit - time.monotonic() + 20) for command in self.commands]


@pytest.fixture
def break_site(site: Site) -> Iterator[Callable[[float], Broken]]:
    made: list[Broken] = []

    def make(seconds: float) -> Broken:
        made.append(Broken(site, seconds))
        made[-1].wait_proved()
        return made[-1]

    yield make
    for broken in made:
        broken.kill_commands()
    site.ok("chaos", "heal")


def is_healthy(site: Site) -> bool:
    """By what is, not by what the journal says: parts, fault points, users; and then the journal, too.

    Looks without the command line, which would cost a second each time on a busy machine.
    """
    seen = site.as_chaos_sees_it()
    if not all(seen.ready(part) for part in seen.inventory.parts):
        return False
    for target in FAULTS.values():
        if seen.runtime.is_cut(target) or seen.runtime.is_limited(target):
            return False
        if seen.control(seen.inventory.part(target)).ask("GET", "/-/faults").json():
            return False
    return site.is_green() and site.active() == []


@pytest.mark.parametrize(
    ("runtime", "victims"),
    [
        ("processes", "command"),
        ("processes", "controller"),
        ("processes", "command and controller"),
        # There the commands run inside the controller's container.
        ("docker", "command"),
        ("docker", "controller"),
    ],
    indirect=["runtime"],
    scope="session",
)
def test_healthy_soon_after_the_limit(
    site: Site, break_site: Callable[[float], Broken], victims: str
) -> None:
    broken = break_site(SECONDS[site.runtime])
    if "command" in victims:
        broken.kill_commands()
    if "controller" in victims:
        site.sigkill("chaos")
    grace = GRACE[site.runtime]
    left = broken.limit + grace - time.monotonic()
    wait_until(lambda: is_healthy(site), left, f"healthy within the limit and {grace:g} s")
    if "command" not in victims:
        died = "controller" in victims and site.runtime == "docker"  # they were in its container
        assert broken.codes() == [1 if died else 0] * len(broken.commands)


def test_heal_with_nothing_alive(site: Site, break_site: Callable[[float], Broken]) -> None:
    broken = break_site(60)
    broken.kill_commands()
    site.sigkill_all_keepers()
    site.ok("chaos", "heal")
    wait_until(lambda: is_healthy(site), 5, "healthy after one heal")
    site.ok("chaos", "heal")


def test_ctrl_c_reverts_early(site: Site) -> None:
    with site.running("chaos", "kill", "post@east", "--for=60s") as command:
        wait_until(lambda: any(row["proved"] for row in site.active()), 15, "proved")
        command.send_signal(signal.SIGINT)
        told, _ = command.communicate(timeout=15)
    assert command.returncode == 130, told
    assert "Traceback" not in told
    assert is_healthy(site)
