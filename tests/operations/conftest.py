"""A site of fakes: what operations ask of it, and what was done to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from site_files import kind_of

import operations.carrying_out
import testbed.readiness
from foundation.state import State
from operations.carrying_out import Done, carry_out
from testbed.inventory import Inventory, Part

SERVICES = ("frontend", "post", "timeline", "notify", "maintenance", "store", "sentinel")


def part(name: str) -> Part:
    service, _, place = name.partition("@")
    return Part(name, service, place or None, name.replace("@", "-"), None, {}, kind_of(service))


PARTS = (
    *(part(f"{service}@{place}") for service in SERVICES for place in ("east", "west")),
    part("prometheus"),
    part("alertmanager"),
    part("chaos"),
)


class FakeSite:
    """Every part is ready as soon as it runs. `trace` has what was done, in order."""

    def __init__(self) -> None:
        self.inventory = Inventory(PARTS, {})
        self.trace: list[str] = []
        self.down: set[str] = set()
        self.ill: set[str] = set()
        """Who is not ready, though it runs."""
        self.roles = {"store@east": "primary", "store@west": "replica"}
        self.alertmanager: Any = None
        self.runtime = SimpleNamespace(
            restart=self._starts("restart"),
            start=self._starts("start"),
            stop=self._stop,
            is_running=lambda name: name not in self.down,
        )

    def _starts(self, verb: str) -> Callable[[str], None]:
        def start(name: str) -> None:
            self.trace.append(f"{verb} {name}")
            self.down.discard(name)

        return start

    def _stop(self, name: str) -> None:
        self.trace.append(f"stop {name}")
        self.down.add(name)

    @property
    def stores(self) -> list[Part]:
        return [one for one in PARTS if one.kind == "store"]

    def store_roles(self) -> dict[str, str]:
        return self.roles

    def ready(self, part: Part) -> bool:
        self.trace.append(f"ready? {part.name}")
        return part.name not in self.down | self.ill

    def answers(self, part: Part) -> bool:
        return part.name not in self.down

    def welcome_back(self, part: Part) -> None:
        """Nobody believes to be the primary who is not."""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> FakeSite:
    made = FakeSite()
    monkeypatch.setattr(operations.carrying_out, "Site", lambda state: made)
    monkeypatch.setattr(operations.carrying_out, "refuse_down", lambda state: None)
    monkeypatch.setattr(testbed.readiness, "POLL_SECONDS", 0.001)
    monkeypatch.setenv("FAILWHALE_USER", "anna")
    return made


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state")


@pytest.fixture
def do(site: FakeSite, state: State) -> Callable[..., Done]:
    """Carries an operation out: `do("restart", "post:all", at_once=True)`."""

    def run(name: str, target: str = "", reason: str = "", **given: Any) -> Done:
        return carry_out(state, name, target, given, reason)

    return run
