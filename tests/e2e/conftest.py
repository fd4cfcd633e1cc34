"""Real sites for the end-to-end tests: one that is shared and left healthy, fresh ones for the rough.

Every test that uses a site runs on both runtimes, unless it says `@pytest.mark.parametrize("runtime", [...],
indirect=True)`. The shared site is up once on each, and never on both at the same time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from engine_under_test import ready_engine
from on_docker import OnDocker
from on_processes import OnProcesses
from site_under_test import Site

RUNTIMES: dict[str, type[Site]] = {"processes": OnProcesses, "docker": OnDocker}


@pytest.fixture(scope="session")
def engine() -> None:
    """A Docker engine, and the image of this tree. Without an engine a test is skipped, or fails in CI."""
    ready_engine()


@pytest.fixture(scope="session", params=RUNTIMES)
def runtime(request: pytest.FixtureRequest) -> str:
    """What runs the site."""
    if request.param == "docker":
        request.getfixturevalue("engine")
    return str(request.param)


@pytest.fixture(scope="session")
def site(runtime: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The shared site, up and green. A test that breaks it waits until it is green again."""
    shared = RUNTIMES[runtime](tmp_path_factory.mktemp("site") / "state")
    try:
        shared.ok("up", "--quiet")
        yield shared
        shared.ok("down", "--purge")
    finally:
        shared.run("down", "--purge")  # of one that did not come up; otherwise nothing is there any more
        left = shared.remove_leftovers()
    assert left == []
    assert not shared.state.exists()


@pytest.fixture
def new_site(runtime: str, tmp_path: Path) -> Iterator[Callable[[], Site]]:
    """Makes sites that are not started yet; whatever runs of them at the end is ended and fails the test."""
    made: list[Site] = []

    def make() -> Site:
        made.append(RUNTIMES[runtime](tmp_path / f"state-{len(made)}"))
        return made[-1]

    yield make
    for one in made:
        one.run("down", "--purge")
    left = [line for one in made for line in one.remove_leftovers()]
    assert left == []


@pytest.fixture(autouse=True)
def whole(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that uses the shared site starts on a healthy one, and leaves no fault of its own in force."""
    if "site" not in request.fixturenames:
        yield
        return
    shared = request.getfixturevalue("site")
    shared.wait_green()
    yield
    if shared.active():
        shared.ok("chaos", "heal")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Marks by which end-to-end tests, or those that need an engine, are left out: `-m "not docker"`.

    On Docker the short `make test` runs those marked `smoke`: what only Docker has, and one of each kind.
    On plain processes it leaves out those marked `long`.
    """
    item.add_marker(pytest.mark.e2e)
    if _runtime(item) == "docker":
        item.add_marker(pytest.mark.docker)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """End-to-end tests come last and by runtime, first those that do without the shared site: so it is up
    once on each, alone, and only as long as it is used."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> tuple[int, bool]:
    if item.get_closest_marker("e2e") is None:
        return 0, False
    return 1 + list(RUNTIMES).index(_runtime(item)), "site" in getattr(item, "fixturenames", ())


def _runtime(item: pytest.Item) -> str:
    """On which runtime the test runs; one that does not say comes with the first."""
    callspec = getattr(item, "callspec", None)
    return str(callspec.params.get("runtime", "processes")) if callspec else "processes"
