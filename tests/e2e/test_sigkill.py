"""SIGKILL, during each fault, of whoever looks after it: nothing outlives its limit, and heal needs nobody
alive."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from site_under_test import Site, wait_until

from chaos.catalogue import all_faults
from chaos.fault import SERVICES, Fault
from chaos.injector import Request
from chaos.target import SITE
from foundation.clock import parse
from testbed.inventory import Part
from testbed.site import Site as SiteOfChaos

COMMANDS = 25
"""How long the faults last, in times of a command that only asks: enough for all to be verified, on a machine
that is busy, too."""
GRACE = {"processes": 15.0, "docker": 20.0}
"""Seconds after the limit, or after a heal, within which the site must be healthy: eight parts that come back
together take their time on two cores, a container takes longer, and a code of the second factor is good for
one login only, so that this journey may have to wait for the next one."""
PLACES = ("east", "west")
BY_COMMAND = 2
"""How many faults of a round a command of its own waits for, as all commands do in the same way. The others
are ordered without one."""
AT_A_TIME = 8
"""Faults of one round: all of them and what they do must leave a machine of two cores some room."""
BY_THEMSELVES = ("config-oversized", "config-path-broken", "quorum-lost")
"""Faults of the whole site that keep others of it from being seen: their round is their own."""
VICTIMS = {
    "processes": ("command", "controller", "command and controller"),
    # There the commands run inside the controller's container.
    "docker": ("controller", "command"),
}

LONG = pytest.mark.long("one round with everybody dead is suffered every day")
MARKS: dict[tuple[str, str], Any] = {
    ("processes", "command and controller"): (),
    ("docker", "controller"): pytest.mark.smoke("there the engine starts the controller again"),
}
"""By runtime, and who dies in the first round."""

Targets = dict[str, str]
"""By fault, where it is put."""


def rounds(runtime: str) -> list[Targets]:
    """Of the faults that last and that this runtime can do one for each family and way of being undone (what
    is set inside a service is undone by the same code), on a part of its own, so that all of a round suffer
    the same SIGKILL; in as few rounds as there are parts for. The whole site comes last.
    `python -m bench.soak` takes all of them."""
    inner = [f"{service}@{place}" for place in PLACES for service in SERVICES if service != "frontend"]
    parts = [*inner, *(f"frontend@{place}" for place in PLACES)]
    made: list[Targets] = []
    whole: dict[str, Targets] = {}
    seen: set[object] = set()
    for fault in all_faults():
        if not (fault.listed and fault.lasting and fault.everywhere and runtime in fault.runtimes):
            continue
        if (fault.family, fault.leaves) in seen:
            continue
        seen.add((fault.family, fault.leaves))
        fitting = [part for part in parts if part.partition("@")[0] in fault.targets]
        wanted = fitting or [fault.demonstration.target]
        if fault.targets == (SITE,):
            whole.setdefault(fault.name if fault.name in BY_THEMSELVES else "", {})[fault.name] = SITE
            continue
        for chosen in (*made, {}):
            free = [target for target in wanted if target not in chosen.values()]
            if free and len(chosen) < AT_A_TIME:
                break
        if not chosen:
            made.append(chosen)
        chosen[fault.name] = free[0]
    return [*made, *whole.values()]


def rounds_on(runtime: str) -> list[Targets]:
    """On Docker the first one: each takes a minute there, and who undoes the others is the same."""
    return rounds(runtime) if runtime == "processes" else rounds(runtime)[:1]


def cases() -> Iterator[Any]:
    """The first round with everybody who may die, of the others every second one, with one of them: the rest
    suffer that their journal is lost (below). Everyday runs take the first round on plain processes with both
    who undo faults dead."""
    for runtime, victims in VICTIMS.items():
        first, *others = rounds_on(runtime)
        for victim in victims:
            marks = MARKS.get((runtime, victim), LONG if runtime == "processes" else ())
            yield pytest.param(runtime, first, victim, id=f"{runtime}-{victim}", marks=marks)
        for number, other in enumerate(others[::2]):
            victim = victims[number % len(victims)]
            yield pytest.param(runtime, other, victim, id=f"{runtime}-{victim}-{2 * number + 1}", marks=LONG)


class Broken:
    """A site with every fault in force, and the commands that began them."""

    def __init__(self, site: Site, targets: Targets, seconds: float) -> None:
        self.site = site
        self.targets = targets
        self.limit = time.monotonic() + seconds
        self.commands = []
        controller = site.controller()
        for number, (fault, target) in enumerate(targets.items()):
            if number < BY_COMMAND:
                self.commands.append(site.start("chaos", fault, target, f"--for={seconds:g}s"))
            else:
                controller.order(Request(fault, target, seconds))

    def wait_verified(self) -> None:
        def doubtful() -> set[str]:
            return self.targets.keys() - {row["fault"] for row in self.site.active() if row["verified"]}

        try:
            wait_until(lambda: not doubtful(), self.limit - time.monotonic(), "every fault verified")
        except AssertionError as error:
            known = {entry["fault"]: (entry["phase"], entry["evidence"]) for entry in self.site.history()}
            raise AssertionError(f"{error}; {[(one, known.get(one)) for one in doubtful()]}") from None
        last = max(parse(row["until"]) for row in self.site.active())
        self.limit = time.monotonic() + last - time.time()

    def kill_commands(self) -> None:
        for command in self.commands:
            command.kill()
            command.wait()

    def codes(self) -> list[int]:
        """How the commands ended that were left alive; they must end by themselves."""
        return [command.wait(timeout=self.limit - time.monotonic() + 20) for command in self.commands]


Break = Callable[[Targets, float], Broken]


@pytest.fixture
def break_site(site: Site) -> Iterator[Break]:
    made: list[Broken] = []

    def make(targets: Targets, seconds: float) -> Broken:
        made.append(Broken(site, targets, seconds))
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
        yield from (f"{part.name}: {fault.name}" for fault in possible if is_left(fault, seen, part))
    yield from (
        f"{name} is {row['state']}" for name, row in site.journeys().items() if row["state"] != "green"
    )
    yield from (f"{row['id']} is active" for row in site.active())


def is_left(fault: Fault, seen: SiteOfChaos, part: Part) -> bool:
    """Whether a fault has left something behind, as far as an operator may see: outside of the containers
    nobody reads the services' password."""
    try:
        return bool(fault.leftover(seen, part))
    except FileNotFoundError:
        return False


def is_healthy(site: Site) -> bool:
    return not any(ills(site)) and site.is_green()


def wait_healthy(site: Site, seconds: float, what: str) -> None:
    try:
        wait_until(lambda: is_healthy(site), seconds, what)
    except AssertionError as error:
        raise AssertionError(f"{error}; now: {list(ills(site))}") from None


def seconds_of_a_command(site: Site) -> float:
    began = time.monotonic()
    site.ok("chaos", "active")
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("runtime", "targets", "victims"), list(cases()), indirect=["runtime"], scope="session"
)
def test_healthy_soon_after_the_limit(site: Site, break_site: Break, targets: Targets, victims: str) -> None:
    broken = break_site(targets, COMMANDS * seconds_of_a_command(site))
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


def lost_journals() -> Iterator[Any]:
    """Journals lost, of the first round and of those that suffer no more than that; kept, once is enough.
    Everyday runs take the first round, on plain processes with the journal lost only."""
    for runtime in VICTIMS:
        first, *others = rounds_on(runtime)
        for journal in ("kept", "lost"):
            marks = LONG if (runtime, journal) == ("processes", "kept") else ()
            yield pytest.param(runtime, first, journal, id=f"{runtime}-{journal}", marks=marks)
        for number, targets in enumerate(others[1::2], start=1):
            yield pytest.param(runtime, targets, "lost", id=f"{runtime}-lost-{2 * number}", marks=LONG)


@pytest.mark.parametrize(
    ("runtime", "targets", "journal"), list(lost_journals()), indirect=["runtime"], scope="session"
)
def test_heal_with_nothing_alive(site: Site, break_site: Break, targets: Targets, journal: str) -> None:
    broken = break_site(targets, 60)
    broken.kill_commands()
    if journal == "lost":
        site.remove_journal()
    site.sigkill_all_keepers()
    site.ok("chaos", "heal")
    wait_healthy(site, GRACE[site.runtime], "healthy after one heal")
    site.ok("chaos", "heal")


def test_ctrl_c_reverts_early(site: Site) -> None:
    with site.running("chaos", "kill", "post@east", "--for=60s") as command:
        wait_until(lambda: any(row["verified"] for row in site.active()), 15, "verified")
        command.send_signal(signal.SIGINT)
        told, _ = command.communicate(timeout=15)
    assert command.returncode == 130, told
    assert "Traceback" not in told
    assert is_healthy(site)
