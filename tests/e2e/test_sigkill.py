"""SIGKILL, during each fault, of whoever looks after it: nothing outlives its limit, and heal needs nobody
alive."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from site_under_test import Site, wait_until

import chaos.site
from chaos.fault import all_faults
from chaos.view import active
from failwhale.state import State

SECONDS = 8.0
GRACE = 5.0
"""Seconds after the limit within which the site must be healthy."""

# One of each kind that lasts, each on a part of its own, so that all of them suffer the same SIGKILL.
FAULTS = {
    "kill": "post@east",
    "pause": "auth@east",
    "latency": "timeline@east",
    "errors": "notify@east",
    "blackhole": "retweet@east",
}


def test_each_lasting_fault_is_here() -> None:
    assert {fault.name for fault in all_faults() if fault.listed and fault.lasting} == FAULTS.keys()


class Broken:
    """A site with every fault in force, and the commands that began them."""

    def __init__(self, site: Site, seconds: float) -> None:
        self.site = site
        self.limit = time.monotonic() + seconds
        self.commands = [
            site.start("chaos", fault, target, f"--for={seconds:g}s") for fault, target in FAULTS.items()
        ]

    def wait_proved(self) -> None:
        def proved() -> bool:
            return {row["fault"] for row in active(State(self.site.state)) if row["proved"]} == FAULTS.keys()

        wait_until(proved, self.limit - time.monotonic(), "every fault proved")

    def kill_commands(self) -> None:
        for command in self.commands:
            command.kill()
            command.wait()

    def kill_parts(self, *names: str) -> None:
        """SIGKILL to the controller (`chaos`), the supervisor, or both: found first, then killed in this
        order."""
        site = json.loads((self.site.state / "site.json").read_text())
        pids = {row["name"]: row["pid"] for row in self.site.json("status")["parts"]}
        pids["supervisor"] = site["supervisor"]["pid"]
        for name in names:
            os.kill(pids[name], signal.SIGKILL)

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
    state = State(site.state)
    seen = chaos.site.Site(state)
    if not all(seen.ready(part) for part in seen.inventory.parts):
        return False
    for target in FAULTS.values():
        if seen.control(seen.inventory.part(target)).ask("GET", "/-/faults").json():
            return False
    return site.is_green() and active(state) == []


@pytest.mark.parametrize("victims", ["command", "controller", "command and controller"])
def test_healthy_soon_after_the_limit(
    site: Site, break_site: Callable[[float], Broken], victims: str
) -> None:
    broken = break_site(SECONDS)
    if "command" in victims:
        broken.kill_commands()
    if "controller" in victims:
        broken.kill_parts("chaos")
    left = broken.limit + GRACE - time.monotonic()
    wait_until(lambda: is_healthy(site), left, f"healthy within the limit and {GRACE:g} s")
    if "command" not in victims:
        assert broken.codes() == [0] * len(FAULTS)


def test_heal_with_nothing_alive(site: Site, break_site: Callable[[float], Broken]) -> None:
    broken = break_site(60)
    broken.kill_commands()
    broken.kill_parts("supervisor", "chaos")  # the other way round, the one would start the other again
    site.ok("chaos", "heal")
    wait_until(lambda: is_healthy(site), 5, "healthy after one heal")
    site.ok("chaos", "heal")


def test_ctrl_c_reverts_early(site: Site) -> None:
    command = site.start("chaos", "kill", "post@east", "--for=60s")
    try:
        wait_until(lambda: any(row["proved"] for row in active(State(site.state))), 15, "proved")
        command.send_signal(signal.SIGINT)
        told, _ = command.communicate(timeout=15)
    finally:
        command.kill()
        command.wait()
    assert command.returncode == 130, told
    assert "Traceback" not in told
    assert is_healthy(site)
