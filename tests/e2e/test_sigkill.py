"""SIGKILL, during each fault, of whoever looks after it: nothing outlives its limit, and heal needs nobody
alive."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator

import pytest
from site_under_test import Site, wait_until

from chaos.catalogue import all_faults
from chaos.fault import SERVICES
from foundation.clock import parse

SECONDS = {"processes": 20.0, "docker": 20.0}
"""Long enough for all faults to be verified: on Docker the commands run beside the controller."""
GRACE = {"processes": 5.0, "docker": 10.0}
"""Seconds after the limit within which the site must be healthy. A container takes longer to come back."""


def targets(site: Site) -> dict[str, str]:
    """Where each fault that lasts is put, of those that this runtime can do: on a part of its own, so that
    all suffer the same SIGKILL, and first all over one data centre. What is for stores alone goes together.
    """
    parts = site.as_chaos_sees_it().inventory.parts
    inner = [part for part in parts if part.service in SERVICES and part.service != "frontend"]
    free = [part.name for part in sorted(inner, key=lambda part: str(part.place))]
    chosen: dict[str, str] = {}
    for fault in all_faults():
        if not (fault.listed and fault.lasting and site.runtime in fault.runtimes):
            continue
        fitting = [part for part in free if part.partition("@")[0] in fault.targets]
        chosen[fault.name] = fitting[0] if fitting else fault.demonstration.target
        free = [part for part in free if part != chosen[fault.name]]
    return chosen


class Broken:
    """A site with every fault in force, and the commands that began them."""

    def __init__(self, site: Site, seconds: float) -> None:
        self.site = site
        self.targets = targets(site)
        self.limit = time.monotonic() + seconds
        self.commands = [
            site.start("chaos", fault, target, f"--for={seconds:g}s")
            for fault, target in self.targets.items()
        ]

    def wait_verified(self) -> None:
        def verified() -> bool:
            return {row["fault"] for row in self.site.active() if row["verified"]} == self.targets.keys()

        wait_until(verified, self.limit - time.monotonic(), "every fault verified")
        last = max(parse(row["until"]) for row in self.site.active())
        self.limit = time.monotonic() + last - time.time()

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
        made[-1].wait_verified()
        return made[-1]

    yield make
    for broken in made:
        broken.kill_commands()
    site.ok("chaos", "heal")


def ills(site: Site) -> Iterator[str]:
    """What is not healthy, by what is, not by what the journal says: parts, injection points, users; and then
    the journal, too.

    Looks without the command line, which would cost a second each time on a busy machine.
    """
    seen = site.as_chaos_sees_it()
    for part in seen.inventory.parts:
        if not seen.ready(part):
            yield f"{part.name} is not ready"
            continue
        if part.service in SERVICES and seen.control(part).ask("GET", "/-/faults").json():
            yield f"{part.name} has an injection point"
        possible = [fault for fault in all_faults() if site.runtime in fault.runtimes]
        yield from (f"{part.name}: {fault.name}" for fault in possible if fault.leftover(seen, part))
    yield from (
        f"{name} is {row['state']}" for name, row in site.journeys().items() if row["state"] != "green"
    )
    yield from (f"{row['id']} is active" for row in site.active())


def is_healthy(site: Site) -> bool:
    return not any(ills(site)) and site.is_green()


def wait_healthy(site: Site, seconds: float, what: str) -> None:
    try:
        wait_until(lambda: is_healthy(site), seconds, what)
    except AssertionError as error:
        raise AssertionError(f"{error}; now: {list(ills(site))}") from None


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
    wait_healthy(site, left, f"healthy within the limit and {grace:g} s")
    if "command" not in victims:
        died = "controller" in victims and site.runtime == "docker"  # they were in its container
        assert broken.codes() == [1 if died else 0] * len(broken.commands)


@pytest.mark.parametrize("journal", ["kept", "lost"])
def test_heal_with_nothing_alive(site: Site, break_site: Callable[[float], Broken], journal: str) -> None:
    broken = break_site(60)
    broken.kill_commands()
    if journal == "lost":
        site.remove_journal()
    site.sigkill_all_keepers()
    site.ok("chaos", "heal")
    wait_until(lambda: is_healthy(site), 5, "healthy after one heal")
    site.ok("chaos", "heal")


def test_ctrl_c_reverts_early(site: Site) -> None:
    with site.running("chaos", "kill", "post@east", "--for=60s") as command:
        wait_until(lambda: any(row["verified"] for row in site.active()), 15, "verified")
        command.send_signal(signal.SIGINT)
        told, _ = command.communicate(timeout=15)
    assert command.returncode == 130, told
    assert "Traceback" not in told
    assert is_healthy(site)
