from __future__ import annotations

from pathlib import Path

import pytest
from site_files import record, write_site

from foundation.failure import USAGE, Failure
from foundation.state import State
from testbed.inventory import Inventory


@pytest.fixture
def state(tmp_path: Path) -> State:
    parts = [
        record("genesis", one_shot=True),
        record("frontend@east", {"8000": "127.0.0.1:20001", "8443": "127.0.0.1:8443"}),
        record("prober"),
    ]
    write_site(tmp_path, parts, {"east": "https://localhost:8443"})
    return State(tmp_path)


def test_lists_the_long_running_parts(state: State) -> None:
    inventory = Inventory.of(state)
    assert [part.name for part in inventory.parts] == ["frontend@east", "prober"]
    assert inventory.edges == {"east": "https://localhost:8443"}
    part = inventory.part("frontend@east")
    assert (part.service, part.place, part.compose_name) == ("frontend", "east", "frontend-east")
    assert inventory.part("prober").place is None
    assert Inventory.of(state.path) == inventory


def test_addresses(state: State) -> None:
    inventory = Inventory.of(state)
    assert inventory.address("frontend@east") == ("127.0.0.1", 20001)
    assert inventory.address("frontend@east", "8443") == ("127.0.0.1", 8443)
    with pytest.raises(Failure, match="no port '9999'") as raised:
        inventory.address("frontend@east", "9999")
    assert "8000, 8443" in raised.value.next_step
    with pytest.raises(Failure, match="no port 'main'"):
        inventory.address("prober")


def test_an_unknown_part_lists_what_exists(state: State) -> None:
    with pytest.raises(Failure, match="no part is named 'post@east'") as raised:
        Inventory.of(state).part("post@east")
    assert raised.value.code == USAGE
    assert "frontend@east, prober" in raised.value.next_step


def test_no_site(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="no site"):
        Inventory.of(tmp_path / "absent")
