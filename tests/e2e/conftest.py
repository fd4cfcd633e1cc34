"""Real sites for the end-to-end tests: one that is shared and left healthy, fresh ones for the rough."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from site_under_test import Site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The shared site, up and green. A test that breaks it waits until it is green again."""
    shared = Site(tmp_path_factory.mktemp("site") / "state")
    try:
        shared.ok("up", "--quiet")
        yield shared
        shared.ok("down", "--purge")
    finally:
        left = shared.kill_leftovers()
    assert left == []
    assert not shared.state.exists()


@pytest.fixture
def new_site(tmp_path: Path) -> Iterator[Callable[[], Site]]:
    """Makes sites that are not started yet; whatever runs of them at the end is ended and fails the test."""
    made: list[Site] = []

    def make() -> Site:
        made.append(Site(tmp_path / f"state-{len(made)}"))
        return made[-1]

    yield make
    for one in made:
        one.run("down", "--purge")
    left = [line for one in made for line in one.kill_leftovers()]
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
    if shared.run("chaos", "active", "--json").stdout.strip() != "[]":
        shared.ok("chaos", "heal")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/e2e" in str(item.path):
            item.add_marker(pytest.mark.e2e)
